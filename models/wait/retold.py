"""What the holder of a ticket is told again and again: good news comes step by step."""

from models.contract.results import Spread

_MOST = 5.0  # minutes less for each minute: who has gone for a walk must be able to come back


def retold(before: Spread, since_s: float, now: Spread) -> Spread:
    """What is told now, never shorter than what was told before by more than 5 minutes a minute.

    It may grow at once: who is told too short stays; who is told too long may have left.

    Args:
        before: what was told last.
        since_s: how long ago that was, in seconds.
        now: what is found now.

    >>> at_once = Spread(p10_s=60, p50_s=120, p90_s=300)
    >>> retold(Spread(p10_s=600, p50_s=1200, p90_s=1800), 60, at_once)
    Spread(p10_s=300.0, p50_s=900.0, p90_s=1500.0)
    """
    less_s = _MOST * max(since_s, 0.0)
    return Spread(
        p10_s=max(now.p10_s, before.p10_s - less_s),
        p50_s=max(now.p50_s, before.p50_s - less_s),
        p90_s=max(now.p90_s, before.p90_s - less_s),
    )
