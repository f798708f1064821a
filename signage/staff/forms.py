"""What staff write into forms, read once, and refused in their own words."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.errors import BadUsage
from signage.staff.words import StaffWords

_DIGITS = 7


class Form:
    """The fields of one form, and the language of who sent it."""

    def __init__(self, fields: Mapping[str, str], words: StaffWords, zone: ZoneInfo) -> None:
        self._fields = fields
        self._words = words
        self._zone = zone

    def text(self, name: str, most: int) -> str:
        """A text; nothing where the field is not there.

        Raises:
            BadUsage: it is too long.
        """
        text = "\n".join(self._fields.get(name, "").strip().splitlines())
        if len(text) > most:
            raise BadUsage(self._words("form.long", count=most))
        return text

    def one_of(self, name: str, known: Collection[str]) -> str:
        """Something that the page offers.

        Raises:
            BadUsage: it does not, or not any more.
        """
        said = self._fields.get(name, "")
        if said not in known:
            raise BadUsage(self._words("form.unknown"))
        return said

    def number(self, name: str, low: int, high: int) -> int:
        """A whole number, in digits of any width.

        Raises:
            BadUsage: it is none, or is out of bounds.
        """
        said = self._fields.get(name, "").strip()
        is_number = said.isdecimal() and len(said) <= _DIGITS
        if not is_number or not low <= int(said) <= high:
            raise BadUsage(self._words("form.number", low=low, high=high))
        return int(said)

    def moment(self, name: str) -> datetime | None:
        """A day and a time of the office's, as a browser sends them; None where it is empty.

        Raises:
            BadUsage: it is none.
        """
        return self._read(name, lambda said: datetime.fromisoformat(said).replace(tzinfo=None))

    def later(self, name: str, now: datetime) -> datetime | None:
        """A time of the office's that comes today; None where it is empty.

        Raises:
            BadUsage: it is none, or has gone by.
        """
        today = now.astimezone(self._zone).date()
        made = self._read(
            name,
            lambda said: datetime.combine(today, time.fromisoformat(said).replace(tzinfo=None)),
        )
        if made is not None and made <= now:
            raise BadUsage(self._words("form.later"))
        return made

    def _read(self, name: str, parse: Callable[[str], datetime]) -> datetime | None:
        said = self._fields.get(name, "").strip()
        if not said:
            return None
        try:
            made = parse(said).replace(tzinfo=self._zone)
            _ = made + timedelta(days=2), made - timedelta(days=2)  # at the ends of the calendar
        except (ValueError, OverflowError):
            raise BadUsage(self._words("form.time")) from None
        return made
