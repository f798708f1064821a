"""Counters: open or closed by what they said today, else by the timetable; whom they serve."""

import math

import msgspec

from models.state.plan import Spans, within
from models.wait.line import Busy, Closures

_CALLED_S = 1200.0  # so long a call in a planned break proves that the clerk is there
_SOON_S = 120.0  # a closed counter that is due opens not sooner, and the later the longer it is due
_FIRST_BREAK_S = 1800.0  # first guess of an unplanned closure


class Breaks(msgspec.Struct):
    """How long counters close that should be open: learnt of the whole office."""

    count: float = 1.0
    sum_s: float = _FIRST_BREAK_S

    def learn(self, duration_s: float) -> None:
        """One such closure is over."""
        self.count += 1.0
        self.sum_s += duration_s

    @property
    def mean_s(self) -> float:
        """Mean in seconds."""
        return self.sum_s / self.count


class Counter(msgspec.Struct):
    """Times are seconds since 1970. `open` is what it said today, None if it said nothing."""

    open: bool | None = None
    changed_s: float = 0.0
    called_s: float = 0.0
    number: str | None = None
    busy: Busy | None = None

    def begin_day(self) -> None:
        """Overnight nobody is served, and what was said yesterday is over."""
        self.open = None
        self.number = None
        self.busy = None

    def say(
        self,
        *,
        open: bool | None,  # noqa: A002
        at_s: float,
        spans: Spans,
        breaks: Breaks,
    ) -> None:
        """The counter opened or closed, or with None is by its timetable again."""
        if at_s < self.changed_s:
            return  # older than what is known
        if open and self.open is False and within(spans, self.changed_s) and within(spans, at_s):
            breaks.learn(at_s - self.changed_s)
        if open != self.open:
            self.open, self.changed_s = open, at_s

    def is_open(self, spans: Spans, now_s: float) -> bool:
        """Whether it calls people now."""
        if self.open is not None:
            return self.open
        stayed = now_s - self.called_s < _CALLED_S and not within(spans, self.called_s)
        return stayed or within(spans, now_s)

    def closures(self, spans: Spans, close_s: float, now_s: float, breaks: Breaks) -> Closures:
        """When it will call nobody, from now on.

        Args:
            spans: when it is planned to be open today.
            close_s: when the office closes: who is planned until then stays until nobody waits.
            now_s: now.
            breaks: how long unplanned closures last.
        """
        last_s = spans[-1][1] if spans else -math.inf
        if self.open is False and now_s >= last_s:
            return ((now_s, math.inf),)
        stays = bool(spans) and last_s >= close_s
        edges = [-math.inf, *(edge for span in spans for edge in span), math.inf]
        gaps = list(zip(edges[::2], edges[1::2], strict=True))[: -1 if stays else None]
        shut = [gap for gap in gaps if gap[1] > now_s]
        planned = bool(shut) and shut[0][0] <= now_s
        if planned and self.is_open(spans, now_s):
            return tuple(shut[1:])
        if not planned and self.open is False:
            due_s = max(start for start, _ in spans if start <= now_s)
            over_s = now_s - max(self.changed_s, due_s) - breaks.mean_s
            shut.insert(0, (now_s, now_s + max(-over_s, _SOON_S + over_s)))
        return tuple(shut)
