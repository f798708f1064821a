"""Those who wait for the services of one group of counters, where no ticket is seen."""

import msgspec

from models.wait.arrivals import Arrivals
from models.wait.belief import Belief
from models.wait.durations import first_guess
from models.wait.leaving import Leaving
from models.wait.line import Learnt


class Call(msgspec.Struct):
    """A counter called somebody, who had waited so long as far as anybody can tell."""

    at_s: float
    waited_s: float


class CrowdState(msgspec.Struct):
    """`belief` is None while nothing is seen; it holds at `at_s`, seconds since 1970.

    `by` is what it rests on: "buttons" by which people are called, or the "door" through which they
    come and go. `calls` are today's last by counter. `coming` are when those came in who have not
    had time to take their place.
    `mixed` is of the counters that serve several services.
    """

    belief: Belief | None = None
    at_s: float = 0.0
    by: str = ""
    open: int = 0
    calls: dict[str, Call] = {}
    coming: list[float] = []
    arrivals: Arrivals = msgspec.field(default_factory=Arrivals)
    mixed: Learnt = msgspec.field(default_factory=lambda: Learnt(durations=first_guess(7.0)))
    leaving: Leaving = msgspec.field(default_factory=Leaving)

    def begin_day(self) -> None:
        """Midnight has passed: they have gone home."""
        self.belief, self.at_s, self.by, self.open = None, 0.0, "", 0
        self.calls, self.coming = {}, []
        self.leaving.begin_day()

    def forget(self) -> None:
        """A day has passed."""
        self.arrivals.begin_day()
        self.mixed.forget()
        self.leaving.forget()

    def copy(self) -> "CrowdState":
        """Another of the same, to look ahead with; what is learnt of services is shared."""
        arrivals = msgspec.structs.replace(
            self.arrivals, today=[*self.arrivals.today], seen_s=[*self.arrivals.seen_s]
        )
        return msgspec.structs.replace(
            self,
            belief=self.belief and self.belief.copy(),
            coming=[*self.coming],
            arrivals=arrivals,
            leaving=msgspec.structs.replace(self.leaving),
        )
