"""Which calls a screen takes the panel over for, and in what order. Each once.

A call is told by the hub in two ways: at once (`hub/call`), and for as long as it holds in a list
(`hub/calls`), so that a screen which was away hears of it too. What it has called out it must not
call out again, whoever was started anew meanwhile: itself, its browser, the hub or the broker.
"""

from collections import deque
from collections.abc import Iterable

from models.contract.results import Call

HOLDS_S = 300.0
"""A call is called out for so long after it. Later it is only listed: who was meant has gone to the
counter, or has given up, and would find another there."""

MOST = 150
"""So many calls can hold at once: more than a screen can call out in that time."""

REMEMBERED = 500
"""Calls of which a screen knows that it has called them out; more than can ever be told again."""


def key_of(call: Call) -> str:
    """What tells a call from all others: a number is given again, and may be called again.

    Its time stands in the journal of the hub, so it is the same after each restart.
    """
    return f"{call.service}/{call.number}/{round(call.at.timestamp() * 1000)}"


class Queue:
    """The calls that wait for a screen. Times are seconds of a clock that never steps.

    While it moves, nothing in it is given up, however long it is. Where it has stood still (no
    browser has asked), what has waited for `HOLDS_S` is.
    """

    def __init__(self, done: Iterable[str] = ()) -> None:
        """Take the keys of what was called out before, oldest first."""
        self._done = deque(done, maxlen=REMEMBERED)
        self._waiting: dict[str, tuple[Call, float]] = {}
        self._moved_s: float | None = None

    @property
    def done(self) -> tuple[str, ...]:
        """The keys of what was called out, oldest first."""
        return tuple(self._done)

    @property
    def waiting(self) -> tuple[Call, ...]:
        """What waits, in the order in which it will be called out."""
        return tuple(call for call, _ in self._waiting.values())

    def offer(self, calls: Iterable[Call], now_s: float) -> list[Call]:
        """These hold now. Answers with those that are new, oldest first."""
        offered = {key_of(call): call for call in sorted(calls, key=lambda call: call.at)}
        new = offered.keys() - self._waiting.keys() - set(self._done)
        self._waiting |= {key: (offered[key], now_s) for key in offered if key in new}
        return [offered[key] for key in offered if key in new]

    def next(self, now_s: float) -> Call | None:
        """What is to be shown now; the same until it has been shown."""
        for key, (call, heard_s) in list(self._waiting.items()):
            moved_s = heard_s if self._moved_s is None else max(heard_s, self._moved_s)
            if now_s - moved_s < HOLDS_S:
                return call
            del self._waiting[key]
        return None

    def shown(self, key: str, now_s: float) -> bool:
        """It has been on the screen; False if that is no news.

        A call that was never offered counts, too: the process before this one gave it to the
        screen, was killed, and the hub's list has not come yet.
        """
        if key in self._done:
            return False
        self._waiting.pop(key, None)
        self._done.append(key)
        self._moved_s = now_s
        return True
