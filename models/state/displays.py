"""What a polled queue display says of one service, and how fast it calls."""

import re

import msgspec

from models.contract.observations import Queue
from models.wait.line import Snapshot

_NUMBER = re.compile(r"(\d+)\D*$")
_PAUSE_S = 900.0  # two looks further apart say nothing about the pace between them
_JUMP = 30  # calls between two looks; more is a new series of numbers
_FIRST_GUESS = 5.0  # calls that the site file's `service_minutes` counts for
_KEPT_A_DAY = 0.8


class Display(msgspec.Struct):
    """The newest snapshot, and clerk-seconds and calls while somebody waited."""

    seen_s: float | None = None
    waiting: int = 0
    called: str | None = None
    open: int | None = None
    calls: float = 0.0
    clerk_s: float = 0.0

    def begin_day(self) -> None:
        """Yesterday's screen says nothing; its pace still does."""
        self.seen_s = None
        self.calls *= _KEPT_A_DAY
        self.clerk_s *= _KEPT_A_DAY

    def show(self, reading: Queue, at_s: float) -> None:
        """A new look at the display; one that is older than the newest is passed over."""
        if self.seen_s is not None:
            if at_s <= self.seen_s:
                return
            elapsed_s = at_s - self.seen_s
            moved = _moved(self.called, reading.called)
            if self.waiting and moved is not None and elapsed_s <= _PAUSE_S:
                self.calls += moved
                self.clerk_s += elapsed_s * max(self.open or 1, 1)
        self.seen_s = at_s
        self.waiting, self.open = reading.waiting, reading.open
        self.called = reading.called or self.called

    def snapshot(self, calls: int, service_s: float) -> Snapshot:
        """What the queue-length estimator asks for.

        Args:
            calls: how many calls until one's own.
            service_s: first guess of the clerk-seconds of one call.
        """
        clerk_s = (self.clerk_s + _FIRST_GUESS * service_s) / (self.calls + _FIRST_GUESS)
        return Snapshot(calls=calls, call_s=clerk_s / max(self.open or 1, 1))


def _moved(before: str | None, after: str | None) -> int | None:
    """Calls between two numbers, None if it cannot be said."""
    old, new = (_NUMBER.search(number) if number else None for number in (before, after))
    if old is None or new is None:
        return None
    moved = int(new[1]) - int(old[1])
    return moved if 0 <= moved <= _JUMP else None
