"""Wait read from the tickets: the line is played to its end a few hundred times.

Everybody is called in the order of the tickets, by whichever of their counters is free first;
counters close by the timetable; some do not come; the day is faster or slower than others.
"""

import numpy as np
import numpy.typing as npt

from models.contract.results import Spread
from models.wait.durations import Floats
from models.wait.line import Desk, Learnt, Line, spread_of
from models.wait.noshow import MINUTES

RUNS = 160
_WIDTH = 256  # people with draws of their own; the 257th shares those of the first
_rng = np.random.default_rng(20261124)


def _stratified(columns: int) -> Floats:
    """(RUNS, columns) float64 in 0..1: one draw of each 160th a column (Latin hypercube)."""
    strata = np.argsort(_rng.random((RUNS, columns)), axis=0)
    return (strata + 0.5) / RUNS


# The same draws each time: an estimate changes only because the office did, one more person ahead
# can only lengthen every single run, and a replay gives the same answers.
_SERVICE = _stratified(_WIDTH)
_ABSENT = _stratified(_WIDTH)
_DESK = _stratified(64)
_DESK_ABSENT = _stratified(64)
_PACE = np.sort(_rng.standard_normal(10 * RUNS))[5::10][np.argsort(_rng.random(RUNS))]
_ROWS = np.arange(RUNS)


def wait(line: Line) -> Spread | None:
    """Seconds until the last person of the line is called, or None if no counter ever will."""
    runs = np.sort(play(line))
    return spread_of(*(float(runs[int(share * RUNS)]) for share in (0.1, 0.5, 0.9)))


def play(line: Line) -> Floats:
    """(RUNS,) float64: seconds until the last person of the line is called, inf for never."""
    pace = np.maximum(line.factor + line.factor_sd * _PACE, 0.3)
    free = np.stack([_free(line, i, desk, pace) for i, desk in enumerate(line.desks)], axis=1)
    starts, ends = _closures(line.desks)
    for j in range(starts.shape[1]):
        free = np.where((free >= starts[:, j]) & (free < ends[:, j]), ends[:, j], free)
    lasting = _lasting(line, pace)
    desks_of = {
        service: np.array([i for i, desk in enumerate(line.desks) if service in desk.services])
        for service in line.learnt
    }
    for i, person in enumerate(line.people):
        desks = desks_of[person.service]
        if not len(desks):
            return np.full(RUNS, np.inf)
        taken = desks[free[:, desks].argmin(axis=1)]
        called: Floats = free[_ROWS, taken]
        if i == len(line.people) - 1:
            return np.maximum(called - line.now_s, 0.0)
        learnt = line.learnt[person.service]
        waited_min = np.minimum((called - person.issued_s) / 60.0, MINUTES - 1).astype(int)
        absent = _ABSENT[:, i % _WIDTH] < learnt.noshow.table()[np.maximum(waited_min, 0)]
        done = called + np.where(absent, learnt.absent_s, lasting[person.service][:, i % _WIDTH])
        for j in range(starts.shape[1]):
            start, end = starts[taken, j], ends[taken, j]
            done = np.where((done >= start) & (done < end), end, done)
        free[_ROWS, taken] = done
    raise ValueError("want somebody in the line, got nobody")


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
        minute = min(max(int(busy.waited_s / 60.0), 0), MINUTES - 1)
        absent = _DESK_ABSENT[:, column] < learnt.noshow.table()[minute]
        left = np.where(absent, learnt.absent_s - elapsed_s, left)
    return line.now_s + left


def _lasting(line: Line, pace: Floats) -> dict[str, Floats]:
    """By service (RUNS, people) float64: how long each would be served today, in seconds."""
    count = min(len(line.people), _WIDTH)
    services = {person.service for person in line.people}
    return {
        service: _drawn(learnt, count) * pace[:, None]
        for service, learnt in line.learnt.items()
        if service in services
    }


def _drawn(learnt: Learnt, count: int) -> Floats:
    return learnt.durations.draws(_SERVICE[:, :count])


def _closures(desks: tuple[Desk, ...]) -> tuple[Floats, Floats]:
    """(desks, most closures) float64 each: where closures start and end, inf for none."""
    most = max((len(desk.closures) for desk in desks), default=0)
    table: npt.NDArray[np.float64] = np.full((2, len(desks), most), np.inf)
    for i, desk in enumerate(desks):
        for j, (start, end) in enumerate(desk.closures):
            table[:, i, j] = start, end
    return table[0], table[1]
