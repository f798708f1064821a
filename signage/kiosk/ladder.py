"""What is done about a screen that does not paint: one step higher each time. Pure."""

from enum import StrEnum
from types import MappingProxyType

import msgspec

BEAT_S = 2.0
"""How often the page says that it painted; the same in `static/beat.js`."""

SILENT_S = 8.0
"""A page that beat and has been silent for so long hangs."""

FIRST_S = 20.0
"""What was opened a moment ago is given so long for its first beat: a Pi reads a slow card."""

STEADY_S = 300.0
"""A page that beats for so long is well, and the next trouble begins at the lowest rung."""

_PAUSES_S = (0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
_REBOOT_AFTER_S = 300.0
_REBOOT_EVERY_S = 3600.0
_REBOOT_TAKES_S = 120.0


class Trouble(StrEnum):
    """Why nothing true is on the screen."""

    CRASHED = "the page's process ended"
    GONE = "the browser ended"
    SILENT = "the page is silent"
    STILL = "the page runs, but nothing is painted"


class Rung(StrEnum):
    """What is done about it, lowest first."""

    RELOAD = "reload"
    BROWSER = "browser"
    COMPOSITOR = "compositor"
    REBOOT = "reboot"
    WATCHDOG = "watchdog"


_TRIES = {Rung.RELOAD: 2, Rung.BROWSER: 3, Rung.COMPOSITOR: 2}
_LOWEST = MappingProxyType({Trouble.GONE: Rung.BROWSER})


class Climb(msgspec.Struct, frozen=True):
    """How far up it has come since the page was last well. Times are seconds since boot."""

    since_s: float
    last_s: float
    tried: dict[Rung, int] = {}


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of the screen now. Durations in seconds."""

    runs: bool = True
    crashed: bool = False
    opened_s: float
    """Since it was told to show what it should."""
    beat_s: float | None
    """Since the page last beat; None if it has not since it was opened."""
    painted_s: float | None = 0.0
    """The same of the last beat that tells of a painted frame."""
    asleep: bool = False
    """Whether the panel is off by the calendar: a screen that is off asks for no frames."""


def trouble(sight: Sight) -> Trouble | None:
    """What is wrong, if anything is."""
    if not sight.runs:
        return Trouble.GONE
    if sight.crashed:
        return Trouble.CRASHED
    if _is_late(sight.beat_s, sight.opened_s):
        return Trouble.SILENT
    if not sight.asleep and _is_late(sight.painted_s, sight.opened_s):
        return Trouble.STILL
    return None


def rung(wrong: Trouble, climb: Climb | None, up_s: float) -> Rung | None:
    """What to do now; None is to wait a while.

    The first try is made at once and the later ones with growing pauses. A machine is rebooted
    at most once an hour, and only for a page that is gone, never for a panel that asks for no
    frames: somebody may have pulled its plug. Until then the browser is tried each minute.

    Args:
        wrong: the trouble.
        climb: what has been done about it, None if nothing.
        up_s: since this machine booted.
    """
    if climb is None:
        return _LOWEST.get(wrong, Rung.RELOAD)
    steps = sum(climb.tried.values())
    if up_s - climb.last_s < _PAUSES_S[min(steps, len(_PAUSES_S) - 1)]:
        return None
    above = list(_TRIES)
    for step in above[above.index(_LOWEST.get(wrong, Rung.RELOAD)) :]:
        if climb.tried.get(step, 0) < _TRIES[step]:
            return step
    if wrong is Trouble.STILL:
        return Rung.BROWSER
    if Rung.REBOOT in climb.tried:
        return Rung.WATCHDOG if up_s - climb.last_s >= _REBOOT_TAKES_S else None
    lasts_s = up_s - climb.since_s
    may = up_s >= _REBOOT_EVERY_S and lasts_s >= _REBOOT_AFTER_S
    return Rung.REBOOT if may else Rung.BROWSER


def climbed(climb: Climb | None, step: Rung, up_s: float) -> Climb:
    """The same with one more step."""
    if climb is None:
        return Climb(up_s, up_s, {step: 1})
    return Climb(climb.since_s, up_s, climb.tried | {step: climb.tried.get(step, 0) + 1})


def is_over(climb: Climb, up_s: float) -> bool:
    """Whether a page that is well now has been for so long that what was done is forgotten."""
    return up_s - climb.last_s >= STEADY_S


def _is_late(heard_s: float | None, opened_s: float) -> bool:
    return opened_s > FIRST_S if heard_s is None else heard_s > SILENT_S
