"""What the report says: a catalogue of its own, in Japanese and English."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from models.report.plan import HALF_MINUTES
from signage.text import Text
from signage.wording import Words, catalogue

LANGUAGES = ("ja", "en")
_SHORT_MIN = 9.95
_MANY_H = 99.95


class ReportWords(Words):
    """The texts of one language; what is not the report's own is said as residents read it."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        super().__init__(language, zone)
        self._texts = {**self._texts, **catalogue(language, "report")}

    def number(self, value: float, digits: int = 0) -> str:
        """With so many digits behind the point."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, pattern, locale=self._locale)

    def minutes(self, seconds: float) -> str:
        """A measured time in minutes; only a short one has a tenth."""
        minutes = seconds / 60
        return self.number(minutes, 1 if abs(minutes) < _SHORT_MIN else 0)

    def min(self, seconds: float) -> str:
        """The same with its unit: 「12分」."""
        return self("unit.min", n=self.minutes(seconds))

    def hours(self, hours: float) -> str:
        """「4.5時間」; of a hundred and more no tenths."""
        return self("unit.hours", n=self.number(hours, 1 if hours < _MANY_H else 0))

    def share(self, share: float, digits: int = 0) -> str:
        """「8%」."""
        return f"{self.number(100 * share, digits)}%"

    def days(self, count: int) -> str:
        """「21日」."""
        return self("unit.days", count=count)

    def month(self, day: date) -> str:
        """「2026年10月」."""
        return self._dated(day, "pattern.month")

    def short_month(self, day: date) -> str:
        """「10月」."""
        return self._dated(day, "pattern.short_month")

    def weekday_name(self, number: int) -> str:
        """「月」, 0 is Monday."""
        return str(self._locale.days["format"]["abbreviated"][number])

    def half(self, half: int) -> str:
        """When a half hour of the day begins: 「13:30」."""
        minute = half * HALF_MINUTES
        return f"{minute // 60}:{minute % 60:02}"

    def hour_of(self, hour: int) -> str:
        """「12:00～13:00」."""
        return self("unit.span", since=f"{hour}:00", until=f"{hour + 1}:00")

    def listed(self, names: Sequence[str]) -> Text:
        """All names in one phrase."""
        quoted = [self("list.name", name=name) for name in names]
        if len(quoted) < 2:  # noqa: PLR2004
            return Text(quoted[0] if quoted else "")
        first = self("list.join").join(quoted[:-1])
        return self("list.last", first=first, last=quoted[-1])

    def _dated(self, day: date, pattern: str) -> str:
        return format_date(day, str(self(pattern)), locale=self._locale)
