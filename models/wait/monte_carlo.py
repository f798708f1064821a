"""Wait read from the tickets: the line is played to its end a few hundred times.

Everybody is called in the order of the tickets, by whichever of their counters is free first;
counters close by the timetable; some do not come; the day is faster or slower than others. Whoever
has a reservation that is due is called before all others.
"""

import numpy as np
import numpy.typing as npt

from models.contract.results import Spread
from models.wait.draws import Draws, spread_of_runs
from models.wait.durations import Floats
from models.wait.line import Desk, Line, Person
from models.wait.noshow import MINUTES

RUNS = 320
"""So often a line is played; with half as many the margins are worse, with more no better."""
_WIDTH = 1024  # sets of draws; few of those in one line share one
_SPREAD = 2654435761  # multiplicative hashing (Knuth, vol. 3, 6.4)
_PATIENCE_SD = 0.15  # of the logarithm of how readily people leave: no two days are alike
_draws = Draws(20261124, RUNS)

Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]


# The same draws each time: an estimate changes only because the office did, one more just ahead
# can only lengthen every single run, and a replay gives the same answers. Rows are sets of draws.
_SERVICE = _draws.stratified(_WIDTH).T.copy()
_ABSENT = _draws.stratified(_WIDTH).T.copy()
_DESK = _draws.stratified(64)
_DESK_ABSENT = _draws.stratified(64)
_PACE = _draws.normal()
_PATIENCE = np.exp(_PATIENCE_SD * _PACE[_draws.rng.permutation(RUNS)])
_ROWS = np.arange(RUNS)


def wait(line: Line) -> Spread | None:
    """Seconds until the last person of the line is called, or None if no counter ever will."""
    return spread_of_runs(play(line)[-1])


def play(line: Line) -> Floats:
    """(people, RUNS) float64: seconds until each person of the line is called, inf for never."""
    return _Play(line).calls_s()


class _Play:
    """A line in all runs at once: when each counter is `free`, and when everybody is called."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.people = (*line.people, *line.expected)
        pace = line.factor * np.exp(line.factor_sd * _PACE)
        free = np.stack([_free(line, i, desk, pace) for i, desk in enumerate(line.desks)], axis=1)
        self.starts, self.ends = _closures(line.desks)
        for j in range(self.starts.shape[1]):
            starts, ends = self.starts[:, j], self.ends[:, j]
            free = np.where((free >= starts) & (free < ends), ends, free)
        self.free: Floats = free
        self.columns = _columns(self.people)
        self.lasting = _lasting(line, self.people, self.columns) * pace
        self.desks_of = {
            service: np.array([i for i, desk in enumerate(line.desks) if service in desk.services])
            for service in line.learnt
        }
        self.calls: Floats = np.full((len(self.people), RUNS), np.inf)
        due = [(p.due_s, i) for i, p in enumerate(self.people) if p.due_s is not None]
        self.booked = {i: np.ones(RUNS, dtype=bool) for _, i in sorted(due)}  # in which they wait

    def calls_s(self) -> Floats:
        """See `play`."""
        line = self.line
        for i, person in enumerate(line.people):
            desks = self.desks_of[person.service]
            if not len(desks) or person.due_s is not None:
                continue
            self._seat_those_due(desks)
            taken = desks[self.free[:, desks].argmin(axis=1)]
            called = self.calls[i] = self.free[_ROWS, taken]
            if person.asks or i == len(line.people) - 1:
                continue  # takes no counter, or nobody is left to whom that matters
            self.free[_ROWS, taken] = self._done(i, called, taken)
        for i in [i for i in self.booked if i < len(line.people)]:
            self._seat(i, self.booked[i])
        return np.maximum(self.calls[: len(line.people)] - line.now_s, 0.0)

    def _seat_those_due(self, desks: Ints) -> None:
        """Let those go first whose reservation is due before one of these counters is free."""
        for i in list(self.booked):
            free = self.free[:, desks].min(axis=1)
            due_s = self.people[i].due_s or 0.0
            if due_s > free.max():
                break  # so are those after them
            if np.isin(self.desks_of[self.people[i].service], desks).any():
                self._seat(i, self.booked[i] & (due_s <= free))

    def _seat(self, i: int, runs: Bools) -> None:
        """Call somebody with a reservation in these runs, if they come at all."""
        person, desks = self.people[i], self.desks_of[self.people[i].service]
        taken = desks[self.free[:, desks].argmin(axis=1)]
        due = np.maximum(self.free[_ROWS, taken], person.due_s or 0.0)
        called = self._open(taken, due)
        self.calls[i] = np.where(runs, called, self.calls[i])
        came = runs & (_ABSENT[self.columns[i]] >= 1.0 - person.shows)
        done = self._done(i, called, taken)
        self.free[_ROWS, taken] = np.where(came, done, self.free[_ROWS, taken])
        self.booked[i] = self.booked[i] & ~runs
        if not self.booked[i].any():
            del self.booked[i]

    def _done(self, i: int, called: Floats, taken: Ints) -> Floats:
        """When the counters that are taken have done with this person."""
        line, person = self.line, self.people[i]
        learnt = line.learnt[person.service]
        waited_min = np.minimum((called - person.issued_s) / 60.0, MINUTES - 1).astype(int)
        there = 1.0 - learnt.noshow.table()[np.maximum(waited_min, 0)]
        there /= 1.0 - learnt.noshow.share((line.now_s - person.issued_s) / 60.0)
        absent = _ABSENT[self.columns[i]] < 1.0 - (1.0 - person.left) * there**_PATIENCE
        return self._open(taken, called + np.where(absent, learnt.absent_s, self.lasting[i]))

    def _open(self, taken: Ints, at: Floats) -> Floats:
        """From then on, when these counters are open."""
        for j in range(self.starts.shape[1]):
            start, end = self.starts[taken, j], self.ends[taken, j]
            at = np.where((at >= start) & (at < end), end, at)
        return at


def _free(line: Line, index: int, desk: Desk, pace: Floats) -> Floats:
    """(RUNS,) float64: when the desk is done with whom it serves now."""
    busy = desk.busy
    if busy is None or busy.service not in line.learnt:
        return np.full(RUNS, line.now_s)
    learnt = line.learnt[busy.service]
    elapsed_s = max(line.now_s - busy.called_s, 0.0)
    column = index % _DESK.shape[1]
    left = learnt.durations.remaining(elapsed_s / line.factor, _DESK[:, column]) * pace
    if elapsed_s < learnt.absent_s and busy.waited_s is not None:
        share = learnt.noshow.share(busy.waited_s / 60.0) if busy.left is None else busy.left
        absent = _DESK_ABSENT[:, column] < share
        left = np.where(absent, learnt.absent_s - elapsed_s, left)
    return line.now_s + left


def _lasting(line: Line, people: tuple[Person, ...], columns: list[int]) -> Floats:
    """(people, RUNS) float64: seconds that each person is served on a usual day."""
    drawn: Floats = _SERVICE[columns]
    for service, learnt in line.learnt.items():
        own = [i for i, person in enumerate(people) if person.service == service]
        drawn[own] = learnt.durations.draws(drawn[own])
    return drawn


def _columns(people: tuple[Person, ...]) -> list[int]:
    """Each keeps the draws of the millisecond at which they came, whoever else comes and goes."""
    return [int(p.issued_s * 1000.0) * _SPREAD % 2**32 * _WIDTH >> 32 for p in people]


def _closures(desks: tuple[Desk, ...]) -> tuple[Floats, Floats]:
    """(desks, most closures) float64 each: where closures start and end, inf for none."""
    most = max((len(desk.closures) for desk in desks), default=0)
    table: npt.NDArray[np.float64] = np.full((2, len(desks), most), np.inf)
    for i, desk in enumerate(desks):
        for j, (start, end) in enumerate(desk.closures):
            table[:, i, j] = start, end
    return table[0], table[1]
