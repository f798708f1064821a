"""Wait read from the tickets: the line is played to its end a few hundred times.

Everybody is called in the order of the tickets, by whichever of their counters is free first;
counters close by the timetable; some do not come; the day is faster or slower than others.
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
    pace = line.factor * np.exp(line.factor_sd * _PACE)
    free = np.stack([_free(line, i, desk, pace) for i, desk in enumerate(line.desks)], axis=1)
    starts, ends = _closures(line.desks)
    for j in range(starts.shape[1]):
        free = np.where((free >= starts[:, j]) & (free < ends[:, j]), ends[:, j], free)
    columns = _columns(line.people)
    lasting = _lasting(line, columns) * pace
    desks_of = {
        service: np.array([i for i, desk in enumerate(line.desks) if service in desk.services])
        for service in line.learnt
    }
    calls: Floats = np.full((len(line.people), RUNS), np.inf)
    for i, person in enumerate(line.people):
        desks = desks_of[person.service]
        if not len(desks):
            continue
        taken = desks[free[:, desks].argmin(axis=1)]
        called = calls[i] = free[_ROWS, taken]
        if person.asks or i == len(line.people) - 1:
            continue  # takes no counter, or nobody is left to whom that matters
        learnt = line.learnt[person.service]
        waited_min = np.minimum((called - person.issued_s) / 60.0, MINUTES - 1).astype(int)
        there = 1.0 - learnt.noshow.table()[np.maximum(waited_min, 0)]
        there /= 1.0 - learnt.noshow.share((line.now_s - person.issued_s) / 60.0)
        absent = _ABSENT[columns[i]] < 1.0 - (1.0 - person.left) * there**_PATIENCE
        done = called + np.where(absent, learnt.absent_s, lasting[i])
        for j in range(starts.shape[1]):
            start, end = starts[taken, j], ends[taken, j]
            done = np.where((done >= start) & (done < end), end, done)
        free[_ROWS, taken] = done
    return np.maximum(calls - line.now_s, 0.0)


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


def _lasting(line: Line, columns: list[int]) -> Floats:
    """(people, RUNS) float64: seconds that each person is served on a usual day."""
    drawn: Floats = _SERVICE[columns]
    for service, learnt in line.learnt.items():
        own = [i for i, person in enumerate(line.people) if person.service == service]
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
