"""What the keeper of the browser and the display's own server say to each other, on 127.0.0.1."""

from typing import Annotated, Literal, get_args

import msgspec

Order = Literal["reload", "restart", "screenshot"]
"""What staff want done: the page opened anew, a new browser, a picture of the page."""

ORDERS: tuple[Order, ...] = get_args(Order)

Screen = Annotated[str, msgspec.Meta(max_length=32)]
"""The name that the keeper gives to one opening of the page; empty while it shows none."""

Item = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """The keeper asks how the page does that it opened under a name of its own making."""

    screen: Screen
    why: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """What is wrong and what is done about it; empty while all is well."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in seconds, None if it has not happened."""

    beat_s: float | None = None
    """Since that page last beat."""
    painted_s: float | None = None
    """The same of the last beat that tells of a painted frame."""
    asleep: bool = False
    """Whether the panel is off by the calendar."""
    orders: tuple[Order, ...] = ()


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says every few seconds."""

    screen: Screen
    frames: Annotated[int, msgspec.Meta(ge=0)]
    """Beats of this page that were painted, this one included if it was."""
    shown: dict[Item, Annotated[int, msgspec.Meta(ge=1, le=1000)]] = {}
    """Items of the playlist that came on the screen since the last one, with how often."""
