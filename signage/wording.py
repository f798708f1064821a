"""What machiai says in words. Minutes are made in models/wait/told.py and nowhere else."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from models.contract.results import Spread
from models.site import Language, Names
from models.wait.told import told
from signage.furigana import with_readings
from signage.text import Text, foreign

LANGUAGES: tuple[str, ...] = get_args(Language)
SHAPES = {1: "○", 2: "△", 3: "▲", 4: "■", None: "－"}
"""Colour is never alone: each level has a shape as well."""

_LOCALES = Path(__file__).parent / "locales"
_PLAIN_JAPANESE = "ja-Hira"
_WEEKDAYS = "げつ", "か", "すい", "もく", "きん", "ど", "にち"
_INSTEAD = {"ja": _PLAIN_JAPANESE, _PLAIN_JAPANESE: "ja"}
_ELSE = "en"  # what most of those can read who do not read Japanese
_LONG_KM = 9.95


@cache
def catalogue(language: str, domain: str = "machiai") -> dict[str, tuple[Text, ...]]:
    """All texts of a language by key: one of each, or one for `count` = 1 and one for more."""
    locale = language.replace("-", "_")
    path = _LOCALES / locale / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as file:
        messages = read_po(file, abort_invalid=True)
    return {_all(m.id)[0]: tuple(map(Text, _all(m.string))) for m in messages if m.id}


def _all(texts: str | Sequence[str] | None) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts or ())


@cache
def drill_words() -> dict[str, str]:
    """How each language says that this is a drill. Reads files: call it once outside a loop."""
    return {language: catalogue(language)["notices.drill"][0] for language in LANGUAGES}


def as_drill(texts: Names) -> Names:
    """The texts of a notice, each of which first says in its language that this is a drill.

    What another office has said so already stays as it is.
    """
    said = drill_words()
    forms = {key: said.get(key, said[_ELSE]) for key in texts}
    return {
        key: text if text.startswith(forms[key].partition("{")[0]) else forms[key].format(text=text)
        for key, text in texts.items()
    }


class Words:
    """The texts of one language, with times in the office's zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self._zone = zone
        self._locale = Locale.parse("ja" if self._is_plain_japanese else language, sep="-")
        self._texts = catalogue(language)
        _ = self._locale.days  # babel reads its data at first use: here, not in the event loop

    def __call__(self, key: str, **values: object) -> Text:
        """The text of a key, its gaps filled: that for one if it has one and `count` is one."""
        one, *more = self._texts[key]
        count = values.get("count")
        is_more = bool(more) and isinstance(count, int) and self._plural(count) != "one"
        return self._read((more[0] if is_more else one).filled(values))

    def name(self, names: Names | None, otherwise: str = "") -> str:
        """A name in this language, or marked as being in another."""
        if not names:
            return otherwise
        language, name = self.pick(names)
        return self._read(Text(name)) if language == self.language else foreign(name, language)

    def pick(self, texts: Names) -> tuple[str, str]:
        """Language and text: this language, else what its readers most likely read, else the first.

        Plain and other Japanese stand in for each other, English for all else. The first that there
        is names the thing as the signposts do. One Chinese script does not stand in for the other.
        """
        for language in (self.language, _INSTEAD.get(self.language, _ELSE)):
            if texts.get(language):
                return language, texts[language]
        return next(iter(texts.items()))

    def time(self, at: datetime) -> str:
        """As a clock says it: 「10時21分」, 「9時」."""
        return self._formatted(at, "pattern.time" if self._local(at).minute else "pattern.hour")

    def clock(self, at: datetime) -> str:
        """As a timetable has it: 「9:30」."""
        return f"{self._local(at):%-H:%M}"

    def opening(self, at: datetime, now: datetime) -> str:
        """When it opens: 「11月24日（火）8時30分」, only the time if it is today."""
        is_today = self._local(at).date() == self._local(now).date()
        return self.time(at) if is_today else self.moment(at)

    def moment(self, at: datetime) -> str:
        """A day and a time: 「11月24日（火）10時32分」."""
        return self._formatted(at, "pattern.day" if self._local(at).minute else "pattern.day_hour")

    def wait(self, spread: Spread) -> str:
        """A wait as it is told."""
        wait = told(spread)
        if wait.how == "range":
            low, high = wait.minutes
            return self("wait.range", low=low, high=high)
        return self(f"wait.{wait.how}", minutes=wait.minutes[0])

    def hour(self, at: datetime) -> str | None:
        """The number of a whole hour, for a scale; None between them."""
        local = self._local(at)
        return None if local.minute else str(local.hour)

    def minutes(self, seconds: float) -> str:
        """A measured time in minutes, with a tenth: it is looked at, not waited for."""
        return f"{seconds / 60:.1f}"

    def distance(self, km: float) -> str:
        """Kilometres as the crow flies: 「2.3 km」; from ten on whole ones."""
        pattern = "0.0" if km < _LONG_KM else "0"
        return f"{format_decimal(km, pattern, locale=self._locale)} km"

    def full_date(self, day: date) -> str:
        """A day with its year, for a notice that hangs for long: 「2026年11月24日」."""
        said = format_date(day, self("pattern.full"), locale=self._locale)
        return self._read(Text(said))

    def weekday(self, day: date) -> str:
        """「火曜日」."""
        said = format_date(day, "EEEE", locale=self._locale)
        return f"{said}（{_WEEKDAYS[day.weekday()]}ようび）" if self._is_plain_japanese else said

    def date(self, day: date) -> str:
        """A day of the calendar: 「11月24日（火）」."""
        return format_date(day, self("pattern.date"), locale=self._locale)

    def age(self, observed_at: datetime, now: datetime) -> str:
        """How old: 「3分前」; what is younger than a minute is one minute old."""
        return self("age", minutes=max(1, int((now - observed_at).total_seconds() // 60)))

    def counters(self, names: Sequence[Names | None], ids: Sequence[str]) -> str:
        """The windows of a service, as they are signposted."""
        said = [self.name(name, counter) for name, counter in zip(names, ids, strict=True)]
        joined = self("counter.join").join(said)
        if not any(map(str.isdigit, joined)):
            return joined
        return self("counter.names", names=joined)

    def counter(self, name: str) -> str:
        """Where to go: a numbered window, or a place by its name."""
        numbered = any(map(str.isdigit, name))
        return self("call.counter" if numbered else "call.place", counter=name)

    @property
    def _is_plain_japanese(self) -> bool:
        return self.language == _PLAIN_JAPANESE

    def _plural(self, count: int) -> str:
        return self._locale.plural_form(count)

    def _read(self, text: Text) -> Text:
        """With the readings of its numbers, for those who need them."""
        return text.changed(with_readings) if self._is_plain_japanese else text

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone)

    def _formatted(self, at: datetime, pattern: str) -> str:
        said = format_datetime(at, str(self(pattern)), tzinfo=self._zone, locale=self._locale)
        return self._read(Text(said))
