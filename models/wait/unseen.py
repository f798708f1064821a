"""Wait where no ticket is seen: the line is played as long as it may be by all that was seen.

As with tickets, everybody is called in turn by whichever counter is free first; but how many they
are differs from run to run, as likely as each number is.
"""

import msgspec
import numpy as np

from models.contract.results import Spread
from models.wait.belief import Belief
from models.wait.draws import Draws, spread_of_runs
from models.wait.durations import Floats
from models.wait.line import Closures, Learnt
from models.wait.noshow import MINUTES

RUNS = 160
"""So often a line is played."""
_WIDTH = 256
_draws = Draws(20261124, RUNS)


# The same draws each time, as in `monte_carlo`.
_SERVICE = _draws.stratified(_WIDTH)
_ABSENT = _draws.stratified(_WIDTH)
_DESK = _draws.stratified(64)
_PACE = _draws.normal()
_PEOPLE = _draws.stratified(1)[:, 0]
_SCALE = _draws.normal()
_ROWS = np.arange(RUNS)


class Window(msgspec.Struct, frozen=True):
    """A counter that is known by its calls; `called_s` is the last, None if nobody knows."""

    learnt: Learnt
    called_s: float | None = None
    closures: Closures = ()


class Crowd(msgspec.Struct, frozen=True):
    """A line at the moment `now_s`, of which only the number is believed.

    Args:
        now_s: now, seconds since 1970.
        windows: its counters.
        belief: how many wait.
        ages_s: how long ago the last of them came, the one before, and so on.
        leave: by which no-shows and their calls are known, if all who took a place are called.
        patience: else who has waited w seconds goes unseen at patience x w a second.
        factor: on all services, today.
        factor_sd: its standard deviation.
        scale_sd: of the factor by which all numbers of the belief may be wrong together.
    """

    now_s: float
    windows: tuple[Window, ...]
    belief: Belief
    ages_s: tuple[float, ...]
    leave: Learnt | None
    patience: float = 0.0
    factor: float = 1.0
    factor_sd: float = 0.0
    scale_sd: float = 0.0


def wait(crowd: Crowd) -> Spread | None:
    """Seconds until who comes now is called, or None if no counter ever will."""
    if not crowd.windows:
        return None
    return spread_of_runs(play(crowd))


def play(crowd: Crowd) -> Floats:
    """(RUNS,) float64: seconds until who comes now is called, inf for never."""
    people = crowd.belief.at(_PEOPLE)
    people = np.rint(np.where(people > 0.0, people * (1.0 + crowd.scale_sd * _SCALE), people))
    people = people.astype(int)
    pace = np.maximum(crowd.factor + crowd.factor_sd * _PACE, 0.3)
    windows = crowd.windows
    free = np.stack([_free(crowd, i, people, pace) for i in range(len(windows))], axis=1)
    starts, ends = _closures(windows)
    for j in range(starts.shape[1]):
        free = np.where((free >= starts[:, j]) & (free < ends[:, j]), ends[:, j], free)
    most = max(int(people.max()), 0)
    kinds = list({id(window.learnt): window.learnt for window in windows}.values())
    kind = np.array([[k is w.learnt for k in kinds].index(True) for w in windows])
    columns = np.arange(most) % _WIDTH
    lasting = [k.durations.draws(_SERVICE[:, columns]) * pace[:, None] for k in kinds]
    noshow = None if crowd.leave is None else crowd.leave.noshow.table()
    waits = np.zeros(RUNS)
    for i in range(most + 1):
        taken = free.argmin(axis=1)
        called: Floats = free[_ROWS, taken]
        waits = np.where(people == i, called - crowd.now_s, waits)
        if i == most:
            break
        taking = kind[taken]
        lasts = lasting[0][:, i]
        for other in range(1, len(kinds)):
            lasts = np.where(taking == other, lasting[other][:, i], lasts)
        if noshow is not None and crowd.leave is not None:
            # of n people the i-th from the front is the (n - i)-th from the back
            age = np.array(crowd.ages_s)[np.clip(people - i - 1, 0, len(crowd.ages_s) - 1)]
            waited_min = ((called - crowd.now_s + age) / 60.0).clip(0, MINUTES - 1).astype(int)
            absent = _ABSENT[:, i % _WIDTH] < noshow[waited_min]
            lasts = np.where(absent, crowd.leave.absent_s, lasts)
        elif crowd.patience:
            age = np.array(crowd.ages_s)[np.clip(people - i - 1, 0, len(crowd.ages_s) - 1)]
            until = called - crowd.now_s + age
            stays = np.exp(-crowd.patience / 2.0 * (until**2 - age**2))
            lasts = np.where(_ABSENT[:, i % _WIDTH] < stays, lasts, 0.0)
        done = called + lasts
        for j in range(starts.shape[1]):
            start, end = starts[taken, j], ends[taken, j]
            done = np.where((done >= start) & (done < end), end, done)
        free[_ROWS, taken] = np.where(people > i, done, called)
    return np.maximum(waits, 0.0)


def _free(crowd: Crowd, index: int, people: Floats, pace: Floats) -> Floats:
    """(RUNS,) float64: when a counter has done with whom it serves now."""
    window, column = crowd.windows[index], index % _DESK.shape[1]
    durations, share = window.learnt.durations, _DESK[:, column]
    if window.called_s is None and crowd.leave is not None:
        left = np.zeros(RUNS)
    elif window.called_s is None:
        left = -np.log1p(-share) * durations.mean_s * (1.0 + durations.variation2) / 2.0
    else:
        gone_s = max(crowd.now_s - window.called_s, 0.0)
        left = durations.remaining(gone_s / crowd.factor, share)
    return crowd.now_s + np.where(people < 0, 0.0, left * pace)


def _closures(windows: tuple[Window, ...]) -> tuple[Floats, Floats]:
    most = max(len(window.closures) for window in windows)
    table = np.full((2, len(windows), most), np.inf)
    for i, window in enumerate(windows):
        for j, (start, end) in enumerate(window.closures):
            table[:, i, j] = start, end
    return table[0], table[1]
