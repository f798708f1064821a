"""Whether a screen shows what the hub told: what it paints is read back and held against that."""

import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from models.contract.results import (
    CallsResult,
    Free,
    LotResult,
    NoticeResult,
    Result,
    Screen,
    ScreenRow,
    ServiceResult,
    Vacancy,
    ZoneResult,
)
from models.freshness import life_of
from models.wait.told import told as told_wait

VACANCY_LEVEL: dict[Vacancy, int] = {"vacant": 1, "few": 3, "full": 4}
"""A car park's sign is that of a service as busy."""

Condition = Literal["values", "closed", "paused", "unknown"]
_CONDITIONS: dict[str, Condition] = {
    "fresh": "values",
    "ageing": "values",
    "closed": "closed",
    "paused": "paused",
    "stale": "unknown",
    "no_data": "unknown",
}
_SHOWN = ServiceResult | LotResult | ZoneResult | CallsResult | NoticeResult
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})")
_DAY_MINUTES = 24 * 60


class Painted(msgspec.Struct, frozen=True):
    """What of one row people can read: its condition, its level, the numbers in its places."""

    condition: Condition
    level: int | None = None
    numbers: dict[str, tuple[int, ...]] = {}

    def __str__(self) -> str:
        """For staff: `level 2, people 8, wait 20`."""
        if self.condition != "values":
            return self.condition
        said = [f"level {self.level}"] if self.level else ["no level"]
        said += [f"{place} {'-'.join(map(str, n))}" for place, n in self.numbers.items()]
        return ", ".join(said)


class Patience(msgspec.Struct, frozen=True):
    """How long a screen may lag before it counts as wrong, in seconds of the office's clock."""

    change_s: float = 15.0
    clock_s: float = 60.0
    turn_s: float = 90.0  # until each page has had its turn, for each page
    calls_s: float = 600.0  # so long calls may take it over on end
    silence_s: float = 180.0

    def at_speed(self, speed: float) -> "Patience":
        """The same where time runs faster: a computer still takes its own."""
        return Patience(
            change_s=max(self.change_s, 3 * speed),
            clock_s=max(self.clock_s, 3 * speed),
            turn_s=max(self.turn_s, 30 * speed),
            calls_s=max(self.calls_s, 120 * speed),
            silence_s=max(self.silence_s, 6 * speed),
        )


class Said:
    """What was told of each thing that screens show, as far back as patience asks."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._keep = timedelta(seconds=2 * patience.change_s)
        self._of: dict[str, list[tuple[datetime, Result | None]]] = {}

    def note(self, results: Mapping[str, Result], now: datetime) -> None:
        """All that is told from now on."""
        shown = {key: r for key, r in results.items() if isinstance(r, _SHOWN)}
        for key in self._of.keys() | shown.keys():
            told, result = self._of.setdefault(key, [(now, None)]), shown.get(key)
            if not _is_same(told[-1][1], result):
                told.append((now, result))
            while len(told) > 1 and told[1][0] < now - self._keep:
                del told[0]
            if result is None and len(told) == 1:
                del self._of[key]

    def of(self, key: str, now: datetime) -> list[Result | None]:
        """All that a screen may show of one thing now: what holds, and what did a moment ago."""
        since = now - timedelta(seconds=self.patience.change_s)
        told = self._of.get(key, [])
        later = [result for at, result in told if at > since]
        before = [result for at, result in told if at <= since][-1:]
        return [*(before or [None]), *later]

    def notices(self) -> list[str]:
        """The ids of all notices that were told of late."""
        keys = (key.partition("/") for key in self._of)
        return [name for kind, _, name in keys if kind == "notice"]

    def moments(self, now: datetime) -> tuple[datetime, ...]:
        """What a screen may believe that the time is: its own clock may be a little off."""
        slack = timedelta(seconds=self.patience.change_s)
        return now - slack, now + slack, now


def painted(result: Result | None, now: datetime) -> Painted:
    """What a true screen shows of a service, a lot or a zone."""
    if not isinstance(result, ServiceResult | LotResult | ZoneResult):
        return Painted("unknown")
    condition = _CONDITIONS[life_of(result, result.state).phase(now)]
    if condition != "values":
        return Painted(condition)
    level, places = _values(result)
    return Painted(condition, level, {place: n for place, n in places.items() if n})


def _values(
    result: ServiceResult | LotResult | ZoneResult,
) -> tuple[int | None, dict[str, tuple[int, ...]]]:
    """The level that is shown, and the numbers; a full car park says it in words."""
    if isinstance(result, ServiceResult):
        wait = () if result.wait is None else told_wait(result.wait).minutes
        return result.level, {"people": _one(result.waiting), "wait": wait}
    if isinstance(result, ZoneResult):
        return result.level, {"people": _one(result.people)}
    bays = result.accessible
    return VACANCY_LEVEL[result.vacancy] if result.vacancy else None, {
        "free": _free(result.vacancy, result.free),
        "accessible": _free(bays.vacancy, bays.free) if bays else (),
    }


def _one(count: int | None) -> tuple[int, ...]:
    return () if count is None else (count,)


def _free(vacancy: Vacancy | None, free: Free | None) -> tuple[int, ...]:
    return () if vacancy == "full" or free is None else (free.p50,)


def differences(
    screen: Screen, said: Said, now: datetime, services: Container[str]
) -> Iterator[str]:
    """What a screen paints and is not so, a line each.

    Args:
        screen: its own report, which came at `now`.
        said: what was told.
        now: by the hub's clock.
        services: the ids of those whose calls it shows.
    """
    for kind, rows in (
        ("service", screen.services),
        ("lot", screen.lots),
        ("zone", screen.zones),
    ):
        for row in rows:
            if not row.ago_s:  # what is not on it now was looked at when it was
                yield from _row(f"{kind}/{row.id}", row, screen.places, said, now)
    if screen.called is not None:
        yield from _called(screen.called, said, now, services)
    for notice in screen.emergencies:
        told = said.of(f"notice/{notice.id}", now)
        is_on = any(_is_on(one, moment) for one in told for moment in said.moments(now))
        if not notice.ago_s and not is_on:
            yield f"emergency {notice.id} is over, but on the screen"


def emergencies(said: Said, now: datetime) -> list[str]:
    """The ids of those that every screen must show by now; drills wait for all others."""
    drills: list[str] = []
    true: list[str] = []
    for name in said.notices():
        told = said.of(f"notice/{name}", now)
        if all(_is_on(one, moment) for one in told for moment in said.moments(now)):
            newest = told[-1]
            is_drill = isinstance(newest, NoticeResult) and newest.drill
            (drills if is_drill else true).append(name)
    return true or drills


def clock_error_s(shown: str, local: datetime) -> float:
    """How far a clock that shows hours and minutes is off at least, in seconds.

    What shows neither is off for ever.

    >>> clock_error_s("10:32", datetime(2026, 11, 24, 10, 34, 30))
    90.0
    """
    read = _CLOCK.fullmatch(shown)
    if read is None:
        return math.inf
    begins_s = (int(read[1]) * 60 + int(read[2])) * 60
    local_s = (local.hour * 60 + local.minute) * 60 + local.second
    late_s = (local_s - begins_s) % (_DAY_MINUTES * 60)  # since that minute began
    return float(min(max(0, late_s - 60), _DAY_MINUTES * 60 - late_s))


def _row(
    key: str, row: ScreenRow, places: Container[str], said: Said, now: datetime
) -> Iterator[str]:
    """Whether a row shows anything that holds, or did a moment ago, in the places that it has."""
    right = [
        msgspec.structs.replace(one, numbers={p: n for p, n in one.numbers.items() if p in places})
        for told in said.of(key, now)
        for one in (painted(told, moment) for moment in said.moments(now))
    ]
    numbers = {place: n for place, n in row.numbers.items() if n}
    shown = Painted(_CONDITIONS[row.phase], row.level, numbers)
    if shown not in right:
        yield f"{key.replace('/', ' ', 1)}: want {right[-1]}, got {shown}"


def _called(
    called: Sequence[str], said: Said, now: datetime, services: Container[str]
) -> Iterator[str]:
    """Whether the numbers of the call panel are the last that were called, in order."""
    told = said.of("calls", now)
    right = [_numbers(one, moment, services) for one in told for moment in said.moments(now)]
    if not any(tuple(called) == one[: len(called)] and bool(called) == bool(one) for one in right):
        yield f"calls: want {' '.join(right[-1]) or 'none'}, got {' '.join(called) or 'none'}"


def _numbers(result: Result | None, now: datetime, services: Container[str]) -> tuple[str, ...]:
    if not isinstance(result, CallsResult) or now >= result.valid_until:
        return ()
    return tuple(call.number for call in result.calls if call.service in services)


def _is_on(result: Result | None, now: datetime) -> bool:
    """Whether this is an emergency that holds now."""
    if not isinstance(result, NoticeResult) or result.severity != "emergency":
        return False
    end = min(result.valid_until, result.until or result.valid_until)
    return (
        bool(result.texts)
        and (result.since is None or result.since <= max(now, result.at))
        and now < end
    )


def _is_same(before: Result | None, result: Result | None) -> bool:
    """Equal but for the time of writing."""
    if before is None or result is None:
        return before is result
    return before == msgspec.structs.replace(result, at=before.at)
