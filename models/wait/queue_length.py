"""Wait read from a polled display: so many calls to come, one every so often."""

import math

from models.contract.results import Spread
from models.wait.line import Snapshot, spread_of

_VARIATION = 0.9  # of the time between two calls
_DRIFT = 0.35  # of the pace between now and the call: counters open and close, people leave
_Z90 = 1.2816


def wait(snapshot: Snapshot) -> Spread | None:
    """Seconds until the last of `calls` calls, or None if they never come.

    The time of n calls has the mean n x call_s; it is told as gamma quantiles, so that its
    median stays below the mean.

    Source: estimator QL of Ibrahim & Whitt (2009), doi:10.1287/msom.1080.0223; quantiles by
    Wilson & Hilferty (1931), doi:10.1073/pnas.17.12.684.

    >>> wait(Snapshot(calls=0, call_s=60.0)).p90_s
    0.0
    """
    mean_s = snapshot.calls * snapshot.call_s
    if not mean_s:
        return spread_of(0.0, 0.0, 0.0)
    ninth = (_VARIATION**2 / snapshot.calls + _DRIFT**2) / 9.0
    p10_s, p50_s, p90_s = (
        mean_s * max(1.0 - ninth + z * math.sqrt(ninth), 0.0) ** 3 for z in (-_Z90, 0.0, _Z90)
    )
    return spread_of(p10_s, p50_s, p90_s)
