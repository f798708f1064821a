"""Contacts bounce: a level counts when it has been stable for a while."""

from typing import NamedTuple


class Edge(NamedTuple):
    """A change that counts. `at_s` is when the new level began to be stable."""

    pin: int
    active: bool
    at_s: float


class Debounce:
    """Raw edges of some pins in, edges that count out, in the order of their `at_s`.

    Every pin is inactive until told otherwise. Times are monotonic seconds and never run back from
    one call to the next.
    """

    def __init__(self, bounce_s: float) -> None:
        self.bounce_s = bounce_s
        self._active: set[int] = set()
        self._since_s: dict[int, float] = {}  # pins that stand at the other level, and since when

    def feed(self, pin: int, active: bool, t_s: float) -> list[Edge]:  # noqa: FBT001  a level
        """Take one raw level; return what had become stable before."""
        edges = self.due(t_s)
        if active == (pin in self._active):
            self._since_s.pop(pin, None)
        else:
            self._since_s[pin] = t_s
        return edges

    def due(self, t_s: float) -> list[Edge]:
        """What has become stable by now, if no raw level came since."""
        edges = []
        for since_s, pin in sorted((since_s, pin) for pin, since_s in self._since_s.items()):
            if t_s >= since_s + self.bounce_s:
                del self._since_s[pin]
                self._active ^= {pin}
                edges.append(Edge(pin, pin in self._active, since_s))
        return edges

    @property
    def due_s(self) -> float | None:
        """When to ask `due` next; None while nothing is on its way."""
        return min(self._since_s.values()) + self.bounce_s if self._since_s else None
