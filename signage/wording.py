"""What machiai says in words. Minutes are made here and nowhere else."""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.messages.pofile import read_po

from models.contract.results import Spread
from models.site import Names

LANGUAGES = ("ja", "en")
SHAPES = {1: "○", 2: "△", 3: "▲", 4: "■", None: "－"}
"""Colour is never alone: each level has a shape as well."""

_LOCALES = Path(__file__).parent / "locales"
_STEPS = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60)
_WIDE_S = 600  # a wait whose p90 is further from its median is told as a range
_LONG_MINUTES = 60
_SHORT_MINUTES = 5


@cache
def catalogue(language: str) -> dict[str, str]:
    """All texts of a language by key."""
    path = _LOCALES / language / "LC_MESSAGES" / "machiai.po"
    with path.open("rb") as file:
        messages = read_po(file, locale=language, abort_invalid=True)
    return {str(m.id): str(m.string) for m in messages if m.id}


def step_down(seconds: float) -> int:
    """Whole minutes of the step at or below: 0, 5 to 30 by 5, then by 10 and above 60 by 30.

    >>> step_down(29 * 60), step_down(119 * 60)
    (25, 90)
    """
    minutes = max(0.0, seconds) / 60
    if minutes >= _LONG_MINUTES:
        return int(minutes // 30) * 30
    return max(step for step in _STEPS if step <= minutes)


def step_up(seconds: float) -> int:
    """Whole minutes of the step at or above.

    >>> step_up(26 * 60), step_up(61 * 60)
    (30, 90)
    """
    minutes = max(0.0, seconds) / 60
    if minutes > _LONG_MINUTES:
        return math.ceil(minutes / 30) * 30
    return min(step for step in _STEPS if step >= minutes)


def step_near(seconds: float) -> int:
    """Whole minutes of the nearest step, the longer one in the middle."""
    down, up = step_down(seconds), step_up(seconds)
    return down if seconds / 60 - down < up - seconds / 60 else up


class Words:
    """The texts of one language, with times in the office's zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self._zone = zone
        self._texts = catalogue(language)
        self._locale = Locale.parse(language)
        _ = self._locale.days  # babel reads its data at first use: here, not in the event loop

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, its gaps filled."""
        return self._texts[key].format(**values)

    def name(self, names: Names | None, otherwise: str = "") -> str:
        """A name in this language, or in any that there is."""
        if not names:
            return otherwise
        return names.get(self.language) or next(iter(names.values()))

    def time(self, at: datetime) -> str:
        """As a clock says it: 「10時21分」, 「9時」."""
        return self._formatted(at, "pattern.time" if self._local(at).minute else "pattern.hour")

    def opening(self, at: datetime, now: datetime) -> str:
        """When it opens: 「11月24日（火）8時30分」, only the time if it is today."""
        local = self._local(at)
        if local.date() == self._local(now).date():
            return self.time(at)
        return self._formatted(at, "pattern.day" if local.minute else "pattern.day_hour")

    def wait(self, spread: Spread) -> str:
        """A wait as it is told: a range, rounded outward, when it is wide."""
        if spread.p90_s - spread.p50_s > _WIDE_S:
            low, high = step_down(spread.p10_s), step_up(spread.p90_s)
            if low >= _LONG_MINUTES:
                return self("wait.over", minutes=low)
            if low == 0:
                return self("wait.within", minutes=high)
            return self("wait.range", low=low, high=high)
        if spread.p50_s >= _LONG_MINUTES * 60:
            return self("wait.over", minutes=step_down(spread.p50_s))
        minutes = step_near(spread.p50_s)
        if minutes <= _SHORT_MINUTES:
            return self("wait.within", minutes=_SHORT_MINUTES)
        return self("wait.about", minutes=minutes)

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

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone)

    def _formatted(self, at: datetime, pattern: str) -> str:
        return format_datetime(at, self(pattern), tzinfo=self._zone, locale=self._locale)
