"""Cars at a gate, from one or two vehicle detectors (induction loops, light barriers)."""

from abc import ABC, abstractmethod
from collections import deque

from models.contract.observations import Direction
from models.sensing.debounce import Debounce, Edge


class Loops(ABC):
    """What one and two loops have in common."""

    def __init__(self, pins: tuple[int, ...], bounce_s: float) -> None:
        self.pins = pins
        self._debounce = Debounce(bounce_s)

    def feed(self, pin: int, active: bool, t_s: float) -> list[Direction]:  # noqa: FBT001  a level
        """Take one raw level, active with a car on it; return the cars that had passed before."""
        return self._passed(self._debounce.feed(pin, active, t_s))

    def due(self, t_s: float) -> list[Direction]:
        """The cars that have passed by now."""
        return self._passed(self._debounce.due(t_s))

    @property
    def due_s(self) -> float | None:
        """When to ask `due` next; None while nothing is on its way."""
        return self._debounce.due_s

    def _passed(self, edges: list[Edge]) -> list[Direction]:
        return [direction for edge in edges for direction in self._step(edge)]

    @abstractmethod
    def _step(self, edge: Edge) -> list[Direction]:
        """Take one edge that counts."""


class Loop(Loops):
    """One loop: every car counts, in one direction, when it leaves the loop.

    Leaving, not arriving: a car that waits at the barrier has not passed yet, and one that stands
    there while the agent is restarted is still counted, once.
    """

    def __init__(self, pin: int, direction: Direction, *, bounce_s: float) -> None:
        super().__init__((pin,), bounce_s)
        self._direction = direction

    def _step(self, edge: Edge) -> list[Direction]:
        return [] if edge.active else [self._direction]


# How far a car has come that met the near loop first, and what an edge of a loop does to that.
_NEAR, _BOTH, _FAR, _AGAIN, _OWED, _BACK, _FREE = range(7)
_NEXT: dict[tuple[int, bool], tuple[int, bool]] = {  # stage, is it near -> stage, did a car pass
    (_NEAR, True): (_FREE, False),
    (_NEAR, False): (_BOTH, False),
    (_BOTH, True): (_FAR, False),
    (_BOTH, False): (_BACK, False),
    (_BACK, True): (_FREE, False),
    (_BACK, False): (_BOTH, False),
    (_FAR, False): (_FREE, True),
    # On the near loop again while one is on the far loop: it backs, or the next follows closely.
    (_FAR, True): (_AGAIN, False),
    (_AGAIN, True): (_FAR, False),
    (_AGAIN, False): (_OWED, False),
    (_OWED, True): (_FREE, False),  # it left by the way it came
    (_OWED, False): (_BOTH, True),  # the far loop is reached anew: they were two
}


class LoopPair(Loops):
    """Two loops in one lane: over `a` then `b` is in, over `b` then `a` is out.

    A car that backs off counts nothing, however far it came. Cars that follow closely count one
    each, as long as each loop sees a space between them. Where the loops lie further apart than a
    vehicle is long (a motorcycle), each sees it alone: that counts if it meets the second within
    `apart_s` of leaving the first.
    """

    def __init__(self, a: int, b: int, *, bounce_s: float, apart_s: float = 5.0) -> None:
        super().__init__((a, b), bounce_s)
        self._apart_s = apart_s
        self._stage = _FREE
        self._near = a  # the loop that was met first
        self._met_s = 0.0
        self._alone: deque[tuple[int, float]] = deque()  # loops left, the other unmet, and when

    def _step(self, edge: Edge) -> list[Direction]:
        if self._stage == _FREE:
            self._stage, self._near, self._met_s = _NEAR, edge.pin, edge.at_s
            return []
        was = self._stage
        self._stage, passed = _NEXT[was, edge.pin == self._near]
        if passed:
            return [self._direction_from(self._near)]
        if (was, self._stage) == (_NEAR, _FREE):
            return self._left_alone(edge)
        self._alone.clear()
        return []

    def _left_alone(self, edge: Edge) -> list[Direction]:
        """A loop was met and left while the other saw nothing."""
        while self._alone and self._met_s - self._alone[0][1] > self._apart_s:
            self._alone.popleft()
        if self._alone and self._alone[0][0] != edge.pin:
            return [self._direction_from(self._alone.popleft()[0])]
        self._alone.append((edge.pin, edge.at_s))
        return []

    def _direction_from(self, pin: int) -> Direction:
        return "in" if pin == self.pins[0] else "out"
