"""How fast a line gets shorter, by who goes out: they were served, or had waited too long."""

import math

import msgspec
import numpy as np

from models.wait.durations import KEPT_A_DAY

_SPAN_S = 600.0  # of which those who go are counted together
_FIRST_SD = 0.3  # of the site file's first guess, as a share of it
_PATIENCE = 5.8e-8  # first guess: nine in a hundred leave within half an hour
_DAY_SD, _PRIOR = 0.1, 80.0  # of a day's pace; completions that the usual pace counts for


class Leaving(msgspec.Struct):
    """Least squares of those who went on clerk-seconds and on the seconds they had waited.

    So many go in a while: clerk-seconds / service + patience x the ages of all who wait, for who
    has waited twice as long is twice as ready to leave. `went`, `clerk_s` and `age_s` are of the
    while that has not ended; `sums` are of those before, in the order of `_rows`; `today` are those
    who should have been served and who were.
    """

    went: float = 0.0
    clerk_s: float = 0.0
    age_s: float = 0.0
    span_s: float = 0.0
    sums: list[float] = msgspec.field(default_factory=lambda: [0.0] * 7)
    today: tuple[float, float] = (0.0, 0.0)

    def begin_day(self) -> None:
        """Midnight has passed."""
        self.went = self.clerk_s = self.age_s = self.span_s = 0.0
        self.today = (0.0, 0.0)

    def forget(self) -> None:
        """A day has passed."""
        self.sums = [KEPT_A_DAY * value for value in self.sums]

    def pass_by(self, step_s: float, clerk_s: float, age_s: float, first_s: float) -> None:
        """So many seconds have passed.

        Args:
            step_s: seconds.
            clerk_s: ... of all counters that served while somebody waited.
            age_s: ... times how long all who wait have waited, in seconds.
            first_s: first guess of a service.
        """
        self.span_s += step_s
        self.clerk_s += clerk_s
        self.age_s += age_s
        if self.span_s < _SPAN_S:
            return
        u, v, y = self.clerk_s, self.age_s, self.went
        if u > 0.0:
            service_s, patience = self.belief(first_s)
            should, did = self.today
            self.today = (should + u / service_s, did + max(y - patience * v, 0.0))
            new = (u * u, u * v, v * v, u * y, v * y, y, 1.0)
            self.sums = [old + value for old, value in zip(self.sums, new, strict=True)]
        self.went = self.clerk_s = self.age_s = self.span_s = 0.0

    def belief(self, first_s: float) -> tuple[float, float]:
        """Seconds of a service, and patience: who has waited w leaves at patience x w a second."""
        uu, uv, vv, uy, vy, y, count = self.sums
        noise = max(y / count if count else 0.0, 1.0)
        rate = 1.0 / first_s
        weights = noise / (_FIRST_SD * rate) ** 2, noise / _PATIENCE**2
        left = np.array([[uu + weights[0], uv], [uv, vv + weights[1]]])
        right = np.array([uy + weights[0] * rate, vy + weights[1] * _PATIENCE])
        found, patience = np.linalg.solve(left, right)
        return 1.0 / min(max(float(found), 0.2 * rate), 5.0 * rate), max(float(patience), 0.0)

    def pace(self) -> tuple[float, float]:
        """Factor on today's services, and its standard deviation."""
        should, did = self.today
        factor = (_PRIOR + should) / (_PRIOR + did)
        return factor, _DAY_SD * math.sqrt(_PRIOR / (_PRIOR + did))
