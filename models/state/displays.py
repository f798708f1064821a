"""What a polled queue display says of one service, how fast it calls, and how true that was."""

import math
import re

import msgspec

from models.contract.observations import Queue
from models.contract.results import Spread
from models.wait import estimator, queue_length
from models.wait.calling import Calling
from models.wait.conformal import Conformal
from models.wait.correction import Correction
from models.wait.line import Snapshot

_NUMBER = re.compile(r"(\d+)\D*$")
_PAUSE_S = 900.0  # two looks further apart say nothing about the pace between them
_JUMP = 30  # calls between two looks; more is a new series of numbers
_MOST = 100  # looks that wait to come true
_LEAST_S, _MOST_S = 120.0, 6000.0  # what a shorter or a longer wait weighs
_TRUST = (3.0, 40.0, 2.0)  # hours of waits that the formula counts for: its level, by line, by open
_FARTHEST = 2.0  # logarithm of what own waits may make of its level
_UNSURE = 0.3  # logarithm by which both margins are wider while no wait has come true
_FLATTEST, _STEEPEST = 0.7, 1.2  # powers of the line


class Look(msgspec.Struct):
    """Who stood last in the line: called with which number, seen when, and told what.

    `formula_s` is the wait before any correction, `told_s` after it; `seen` is what corrects it,
    `unsure` is the factor by which its margins are wider for want of waits that came true.
    """

    number: int
    at_s: float
    calls: int
    formula_s: float
    told_s: float
    unsure: float
    seen: list[float]


class Display(msgspec.Struct):
    """The newest snapshot, what it teaches, and the looks that have not come true yet.

    `number` is the newest that could be read, at `number_s`; since then somebody waited for
    `waited_s`.
    """

    seen_s: float | None = None
    waiting: int = 0
    called: str | None = None
    open: int | None = None
    number: int | None = None
    number_s: float = 0.0
    waited_s: float = 0.0
    looks: list[Look] = []
    calling: Calling = msgspec.field(default_factory=Calling)
    correction: Correction = msgspec.field(default_factory=lambda: Correction(list(_TRUST)))
    conformal: Conformal = msgspec.field(default_factory=Conformal)

    def begin_day(self) -> None:
        """Yesterday's screen says nothing; what it taught still does."""
        self.seen_s = None
        self.calling.begin_day()
        self.correction.forget()

    def show(
        self, reading: Queue, at_s: float, day_s: float, service_s: float
    ) -> list[tuple[float, float]]:
        """A new look at the display; one that is older than the newest is passed over.

        Args:
            reading: what it shows.
            at_s: when.
            day_s: the midnight before.
            service_s: first guess of the clerk-seconds of one call.

        Returns:
            The waits that came true: since when, and how many seconds.
        """
        elapsed_s = math.inf if self.seen_s is None else at_s - self.seen_s
        if elapsed_s <= 0:
            return []
        if elapsed_s > _PAUSE_S:
            self.number, self.looks = None, []
        elif self.waiting:
            self.waited_s += elapsed_s
        self.seen_s = at_s
        self.waiting, self.open = reading.waiting, reading.open
        self.called = reading.called or self.called
        found = _NUMBER.search(reading.called) if reading.called else None
        if found is None:
            return []
        came = self._read(int(found[1]), at_s, day_s)
        self._note(at_s, day_s, service_s)
        return came

    def told(self, calls: int, day_s: float, service_s: float) -> Spread | None:
        """The wait until so many were called, by what came true of those told before.

        Args:
            calls: how many until one's own.
            day_s: the midnight before.
            service_s: first guess of the clerk-seconds of one call.
        """
        raw = _raw(self._look(calls, self.seen_s or day_s, day_s, service_s))
        return raw and self.conformal.apply(raw)

    def _read(self, number: int, at_s: float, day_s: float) -> list[tuple[float, float]]:
        """A number could be read: learn from what was called since the one before."""
        before, elapsed_s, waited_s = self.number, at_s - self.number_s, self.waited_s
        self.number, self.number_s, self.waited_s = number, at_s, 0.0
        if before is None or not 0 <= number - before <= _JUMP:
            self.looks = []
            return []
        moved, came = number - before, []
        if waited_s:
            calls = moved * waited_s / elapsed_s
            self.calling.count(calls, waited_s, max(self.open or 1, 1), at_s - day_s)
        while self.looks and self.looks[0].number <= number:
            look = self.looks.pop(0)
            later = (number + 1 - look.number) / (moved + 1)  # called at any time since, in order
            came.append((look.at_s, at_s - elapsed_s * later - look.at_s))
            self._learn(look, came[-1][1])
        return came

    def _note(self, at_s: float, day_s: float, service_s: float) -> None:
        """Somebody new stands last: it will be seen how long they wait."""
        last = (self.number or 0) + self.waiting
        if self.waiting and (not self.looks or last > self.looks[-1].number):
            look = self._look(self.waiting, at_s, day_s, service_s)
            look.number = last
            self.looks = [*self.looks[1 - _MOST :], look]

    def _learn(self, look: Look, came_s: float) -> None:
        """The last of a line was called after so long."""
        came_s = max(came_s, 1.0)
        weight = min(max(look.formula_s, _LEAST_S), _MOST_S) / 3600.0
        self.correction.learn(look.seen, math.log(came_s / look.formula_s), weight)
        raw = _raw(look)
        if raw is not None:
            self.conformal.learn(raw, came_s)

    def _look(self, calls: int, at_s: float, day_s: float, service_s: float) -> Look:
        """What is told now of so many calls, and why."""
        counters = max(self.open or 1, 1)
        usual_open = max(self.calling.usual_open() or counters, 1.0)
        usual_s = self.calling.usual_s(service_s / usual_open)
        today = self.calling.today_share(usual_s)
        hour = self.calling.hour_share(usual_s, at_s - day_s)
        wait_s = queue_length.formula_s(calls, usual_s, today, hour)
        seen = [1.0, queue_length.by_line(calls), math.log(counters / usual_open)]
        told_s = wait_s * math.exp(self._corrected(seen))
        hours = self.correction.weights[0][0] if self.correction.weights else 0.0
        return Look(0, at_s, calls, wait_s, told_s, math.exp(_UNSURE / (1.0 + hours)), seen)

    def _corrected(self, seen: list[float]) -> float:
        """What is added to the logarithm: a longer line waits longer, another counter does not."""
        level, line, counters = self.correction.slopes or (0.0,) * len(_TRUST)
        level = min(max(level, -_FARTHEST), _FARTHEST)
        power = queue_length.POWERS.line
        line = min(max(line, _FLATTEST - power), _STEEPEST - power)
        return level + line * seen[1] + min(max(counters, -1.0), 0.0) * seen[2]


def _raw(look: Look) -> Spread | None:
    """What the estimator tells, before it is held against what came."""
    snapshot = Snapshot(calls=look.calls, call_s=look.told_s / max(look.calls, 1))
    raw: Spread | None = estimator("queue")(snapshot)
    return raw and Spread(
        p10_s=raw.p10_s / look.unsure, p50_s=raw.p50_s, p90_s=raw.p90_s * look.unsure
    )
