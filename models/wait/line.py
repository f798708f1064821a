"""What an estimator is given: who waits, and who will call them when."""

import math

import msgspec

from models.contract.results import Spread
from models.wait.conformal import Conformal
from models.wait.durations import Durations
from models.wait.noshow import NoShow

Closures = tuple[tuple[float, float], ...]
"""From and to, seconds since 1970, in order: meanwhile a counter calls nobody."""


class Learnt(msgspec.Struct):
    """All that is learnt about one service."""

    durations: Durations
    noshow: NoShow = msgspec.field(default_factory=NoShow)
    absent_s: float = 30.0
    conformal: Conformal = msgspec.field(default_factory=Conformal)

    def forget(self) -> None:
        """A day has passed."""
        self.durations.forget()
        self.noshow.forget()
        self.conformal.begin_day()


class Busy(msgspec.Struct, frozen=True):
    """Whom a desk serves. `waited_s` is how long they waited, None if nobody knows.

    `left` is how likely they had gone when they were called; None once they came, or if unknown.
    """

    service: str
    called_s: float
    waited_s: float | None
    left: float | None = None


class Desk(msgspec.Struct, frozen=True):
    """A counter: the services it calls for, whom it serves, when it will call nobody."""

    services: tuple[str, ...]
    busy: Busy | None = None
    closures: Closures = ()


class Person(msgspec.Struct, frozen=True):
    """Somebody who waits: for what, since when in seconds since 1970, how likely gone by now.

    Who only `asks` how long it would take is called by nobody, and delays nobody. Who has a
    reservation for `due_s` is called before all others from then on; `shows` is how likely that
    they come.
    """

    service: str
    issued_s: float
    left: float = 0.0
    asks: bool = False
    due_s: float | None = None
    shows: float = 1.0


class Line(msgspec.Struct, frozen=True):
    """A line at the moment `now_s`: `people` are called in this order.

    `expected` are those with a reservation who are not yet here, in the order of their times.
    `factor` on all durations today is lognormal, `factor_sd` that of its logarithm.
    """

    now_s: float
    desks: tuple[Desk, ...]
    people: tuple[Person, ...]
    learnt: dict[str, Learnt]
    factor: float = 1.0
    factor_sd: float = 0.0
    expected: tuple[Person, ...] = ()


class Snapshot(msgspec.Struct, frozen=True):
    """What a polled display shows: calls until one's own, and the usual seconds between calls."""

    calls: int
    call_s: float


def spread_of(p10_s: float, p50_s: float, p90_s: float) -> Spread | None:
    """A spread that can be told, or None if nobody will be called."""
    if not math.isfinite(p90_s):
        return None
    p10_s = max(p10_s, 0.0)
    p50_s = max(p50_s, p10_s)
    return Spread(p10_s=p10_s, p50_s=p50_s, p90_s=max(p90_s, p50_s))
