"""What staff's pages say: a catalogue of their own, in Japanese and English."""

from datetime import datetime
from zoneinfo import ZoneInfo

from signage.wording import Words, catalogue

LANGUAGES = ("ja", "en")
OWN_NAMES = {"ja": "日本語", "en": "English"}


class StaffWords(Words):
    """The texts of one language; what is not staff's own is said as residents read it."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        super().__init__(language, zone)
        self._texts = {**self._texts, **catalogue(language, "staff")}

    def stamp(self, at: datetime) -> str:
        """A moment as a log has it, in the office's time: 「2026-11-24 10:32:05」."""
        return f"{self._local(at):%Y-%m-%d %H:%M:%S}"
