"""What a finger says with one button: short, double, long."""

from typing import Literal

from models.contract.observations import Gesture
from models.sensing.debounce import Debounce, Edge

_Phase = Literal["up", "down", "once", "done"]


class Gestures:
    """Raw levels of one button in, gestures out.

    `long` is told while the button is still held, so that the finger learns when to let go.
    `short` waits for `double_s` after the release, as long as a second press could come. A gesture
    that means nothing here is not told apart: without `double` two presses are two `short` at once,
    without `long` a slow press is `short`. A button that is held at the start says nothing.
    """

    def __init__(
        self, *, bounce_s: float, double_s: float | None = None, long_s: float | None = None
    ) -> None:
        self._debounce = Debounce(bounce_s)
        self._double_s = double_s
        self._long_s = long_s
        self._phase: _Phase | None = None
        self._until_s: float | None = None  # when the phase ends by itself

    def feed(self, pin: int, active: bool, t_s: float) -> list[Gesture]:  # noqa: FBT001  a level
        """Take one raw level, active when pressed; return the gestures known by now."""
        if self._phase is None:
            self._phase = "done" if active else "up"
        return self._told(self._debounce.feed(pin, active, t_s), t_s)

    def due(self, t_s: float) -> list[Gesture]:
        """The gestures known by now."""
        return self._told(self._debounce.due(t_s), t_s)

    @property
    def due_s(self) -> float | None:
        """When to ask `due` next; None while nothing is on its way."""
        times_s = [self._debounce.due_s, self._late_s]
        return min((time_s for time_s in times_s if time_s is not None), default=None)

    @property
    def _late_s(self) -> float | None:
        """When every edge before `_until_s` is known."""
        return None if self._until_s is None else self._until_s + self._debounce.bounce_s

    def _told(self, edges: list[Edge], t_s: float) -> list[Gesture]:
        told: list[Gesture] = []
        for edge in edges:
            if self._until_s is not None and edge.at_s >= self._until_s:
                told += self._timed_out()
            told += self._pressed(edge.at_s) if edge.active else self._released(edge.at_s)
        if self._late_s is not None and t_s >= self._late_s:
            told += self._timed_out()
        return told

    def _timed_out(self) -> list[Gesture]:
        held = self._phase == "down"
        self._go("done" if held else "up")
        return ["long" if held else "short"]

    def _pressed(self, at_s: float) -> list[Gesture]:
        if self._phase == "once":
            self._go("done")
            return ["double"]
        if self._phase == "up":
            self._go("down", at_s, self._long_s)
        return []

    def _released(self, at_s: float) -> list[Gesture]:
        if self._phase == "down" and self._double_s is not None:
            self._go("once", at_s, self._double_s)
            return []
        was = self._phase
        self._go("up")
        return ["short"] if was == "down" else []

    def _go(self, phase: _Phase, at_s: float = 0.0, for_s: float | None = None) -> None:
        self._phase = phase
        self._until_s = None if for_s is None else at_s + for_s
