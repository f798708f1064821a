"""How long a line lasts, by the timetable of those who serve it."""

import math
from collections.abc import Sequence

Share = tuple[float, Sequence[tuple[float, float]]]
"""What part of a counter serves this line, and from when to when it is planned to be open."""


def lasts_s(work_s: float, then_s: float, counters: Sequence[Share]) -> float | None:
    """Seconds until so much work is done. Who is planned to the end stays until it is.

    Args:
        work_s: clerk-seconds of all who wait, >= 0.
        then_s: when they wait, seconds since 1970.
        counters: those that serve them.

    Returns:
        None if nobody will serve them any more.

    >>> lasts_s(900.0, 0.0, [(1.0, [(0.0, 600.0)]), (0.5, [(0.0, 3600.0)])])
    600.0
    >>> lasts_s(900.0, 0.0, [(1.0, [(300.0, 600.0)])])
    1200.0
    """
    last_s = max((end for _, spans in counters for _, end in spans), default=-math.inf)
    if last_s <= then_s:
        return None
    edges = {edge for _, spans in counters for span in spans for edge in span}
    at_s = then_s
    for edge_s in sorted(edge for edge in edges if edge > then_s):
        share = sum(s for s, spans in counters if any(a <= at_s < b for a, b in spans))
        end_s = math.inf if edge_s == last_s else edge_s
        done_s = at_s + work_s / share if share else math.inf
        if done_s <= end_s:
            return done_s - then_s
        work_s -= share * (edge_s - at_s)
        at_s = edge_s
    return None
