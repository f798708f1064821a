"""The counters of a day, played again with the office's own tickets: what would have been.

Each ticket comes when it came and takes as long as it took, so two runs that differ in one clerk
differ in nothing else. What cannot be known of it is drawn: how long who did not come would have
taken, and from which wait on each holder would have left.

Source: trace-driven simulation with common random numbers, Law & Kelton, Simulation Modeling and
Analysis, 6.1 and 11.2.
"""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.report.visits import HallDay, Interval, Visit
from models.wait.noshow import MINUTES, NoShow

_FREE, _OPEN, _TAKE, _CLOSE = range(4)
"""What happens at one millisecond, in this order."""

_FEW = 5  # of a day: then its own service times are drawn, else those of the month

Floats = NDArray[np.float64]


class Clerk(msgspec.Struct, frozen=True):
    """One more than there was: for these services, from and to, milliseconds since 1970."""

    services: tuple[str, ...]
    shift: Interval


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What a month tells of its tickets."""

    lasting_s: dict[str, Floats]  # of those served, by service
    noshow: dict[str, Floats]  # (601,) share that has left, by whole minutes of wait
    absent_s: float  # from a call to giving up
    between_s: float  # from one customer to the next


class Drawn(msgspec.Struct, frozen=True):
    """Of each ticket of a day: ms at the counter, and from which wait on its holder has left."""

    lasts_ms: list[int]
    patience_ms: list[float]


def learn(days: Sequence[HallDay], between_s: float) -> Learnt:
    """From all days of a month."""
    visits = [visit for day in days for visit in day.visits]
    lasting: dict[str, list[float]] = {}
    noshow: dict[str, NoShow] = {}
    absent: list[float] = []
    for visit in visits:
        wait_s, lasted_s = visit.wait_s, visit.lasted_s
        if wait_s is None:
            continue
        if visit.fate in ("served", "absent"):
            law = noshow.setdefault(visit.service, NoShow())
            law.learn(wait_s, absent=visit.fate == "absent")
        if lasted_s is not None and visit.fate == "served":
            lasting.setdefault(visit.service, []).append(lasted_s)
        elif lasted_s is not None and visit.fate == "absent":
            absent.append(lasted_s)
    return Learnt(
        lasting_s={service: np.array(times) for service, times in lasting.items()},
        noshow={service: law.table() for service, law in noshow.items()},
        absent_s=float(np.median(absent)) if absent else 30.0,
        between_s=between_s,
    )


def draw(day: HallDay, learnt: Learnt, seed: int) -> Drawn:
    """What is not known of the tickets of a day, so that what is known of them stays true."""
    rng = np.random.default_rng([seed, day.day.toordinal()])
    own: dict[str, list[float]] = {}
    for visit in day.visits:
        if visit.fate == "served" and visit.lasted_s is not None:
            own.setdefault(visit.service, []).append(visit.lasted_s)
    lasts_ms, patience_ms = [], []
    for visit, pick, share in zip(
        day.visits, rng.random(len(day.visits)), rng.random(len(day.visits)), strict=True
    ):
        times: Sequence[float] | Floats = own.get(visit.service, ())
        if len(times) < _FEW:
            times = learnt.lasting_s.get(visit.service, np.array([0.0]))
        known_s = visit.lasted_s if visit.fate == "served" else None
        lasts_s = float(times[int(pick * len(times))]) if known_s is None else known_s
        lasts_ms.append(round((lasts_s + learnt.between_s) * 1000))
        patience_ms.append(_patience_min(visit, learnt, float(share)) * 60_000)
    return Drawn(lasts_ms, patience_ms)


def _patience_min(visit: Visit, learnt: Learnt, share: float) -> float:
    """From which wait on the holder has left: later than who came waited, earlier than who did not.

    Of who was never called nothing is known but that.
    """
    table = learnt.noshow.get(visit.service)
    if table is None:
        return float("inf")
    if visit.wait_s is not None and visit.fate in ("served", "absent"):
        left = float(table[min(int(visit.wait_s / 60), MINUTES - 1)])
        share = share * left if visit.fate == "absent" else left + share * (1.0 - left)
        if visit.fate == "absent":
            return min(float(np.searchsorted(table, share)), visit.wait_s / 60)
        minutes = float(np.searchsorted(table, share, side="right"))
        return float("inf") if minutes >= MINUTES else max(minutes, visit.wait_s / 60)
    minutes = float(np.searchsorted(table, share, side="right"))
    return float("inf") if minutes >= MINUTES else minutes


class Played(msgspec.Struct, frozen=True):
    """Of each ticket of a day: seconds until it was called, None for never; who did not come."""

    waits_s: list[float | None]
    absent: list[bool]


def play(
    day: HallDay,
    counters: Mapping[str, tuple[str, ...]],
    learnt: Learnt,
    drawn: Drawn,
    clerk: Clerk | None = None,
) -> Played:
    """Let a day pass. A free counter calls whoever, of its services, has waited longest.

    Args:
        day: its tickets and shifts.
        counters: which services each counter serves.
        learnt: what the month tells.
        drawn: what is drawn of each ticket.
        clerk: one more.
    """
    return _Run(day, counters, learnt, drawn, clerk).played()


class _Run:
    def __init__(
        self,
        day: HallDay,
        counters: Mapping[str, tuple[str, ...]],
        learnt: Learnt,
        drawn: Drawn,
        clerk: Clerk | None,
    ) -> None:
        self._visits, self._drawn = day.visits, drawn
        self._absent_ms = round((learnt.absent_s + learnt.between_s) * 1000)
        shifts = {counter: day.shifts.get(counter, ()) for counter in counters}
        self._serves = dict(counters)
        if clerk is not None:
            shifts[""] = (clerk.shift,)
            self._serves[""] = clerk.services
        self._who: dict[str, list[str]] = {}
        for counter, services in self._serves.items():
            for service in services:
                self._who.setdefault(service, []).append(counter)
        self._waiting: dict[str, deque[int]] = {
            service: deque() for services in self._serves.values() for service in services
        }
        self._ends = {counter: spans[-1][1] for counter, spans in shifts.items() if spans}
        self._stays = self._last_ones()
        self._open: set[str] = set()
        self._late: set[str] = set()
        self._busy: set[str] = set()
        self._idle: list[str] = []
        self._called: list[int | None] = [None] * len(day.visits)
        self._missed = [False] * len(day.visits)
        self._agenda: list[tuple[int, int, int, str]] = [
            (v.issued_ms, _TAKE, i, "") for i, v in enumerate(day.visits) if v.fate != "cancelled"
        ]
        for counter, spans in shifts.items():
            for start, end in spans:
                self._agenda += [(start, _OPEN, 0, counter), (end, _CLOSE, 0, counter)]
        heapq.heapify(self._agenda)

    def played(self) -> Played:
        while self._agenda:
            now, what, i, counter = heapq.heappop(self._agenda)
            if what == _TAKE:
                self._take(now, i)
            elif what == _FREE:
                self._busy.discard(counter)
                if counter in self._open:
                    self._call(now, counter)
            elif what == _OPEN:
                self._open.add(counter)
                if counter not in self._busy:
                    self._call(now, counter)
            else:
                self._end(now, counter)
        waits = [
            None if called is None else (called - visit.issued_ms) / 1000
            for called, visit in zip(self._called, self._visits, strict=True)
        ]
        return Played(waits, self._missed)

    def _take(self, now: int, i: int) -> None:
        queue = self._waiting.get(self._visits[i].service)
        if queue is None:
            return
        queue.append(i)
        for counter in self._idle:
            if counter in self._who[self._visits[i].service]:
                self._idle.remove(counter)
                self._call(now, counter)
                return

    def _end(self, now: int, counter: str) -> None:
        """A counter that is open to the end of its service's day stays until nobody waits."""
        last = now == self._ends[counter] and counter in self._stays
        if last and self._next(counter) is not None:
            self._late.add(counter)
        else:
            self._close(counter)

    def _close(self, counter: str) -> None:
        self._open.discard(counter)
        if counter in self._idle:
            self._idle.remove(counter)

    def _call(self, now: int, counter: str) -> None:
        i = self._next(counter)
        if i is None:
            if counter in self._late:
                self._close(counter)
            elif counter not in self._idle:
                self._idle.append(counter)
            return
        visit = self._visits[i]
        self._waiting[visit.service].popleft()
        self._called[i] = now
        self._missed[i] = now - visit.issued_ms > self._drawn.patience_ms[i]
        lasts = self._absent_ms if self._missed[i] else self._drawn.lasts_ms[i]
        self._busy.add(counter)
        heapq.heappush(self._agenda, (now + lasts, _FREE, 0, counter))

    def _next(self, counter: str) -> int | None:
        heads = (self._waiting[service] for service in self._serves[counter])
        return min((queue[0] for queue in heads if queue), default=None)

    def _last_ones(self) -> set[str]:
        last: set[str] = set()
        for counters in self._who.values():
            ends = {c: self._ends[c] for c in counters if c in self._ends}
            last |= {c for c, end in ends.items() if end == max(ends.values())}
        return last
