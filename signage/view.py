"""What a surface shows, in one language and at one moment."""

from datetime import datetime

import msgspec

from models.contract.results import Phase
from models.freshness import Life
from signage.curve import Curve
from signage.wording import SHAPES


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Root of what is shown: alive in some phase, with the words for when it is not fresh."""

    life: Life
    phase: Phase
    age: str = ""
    word: str = ""
    level: int | None = None
    note: str = ""
    stale: str = ""

    @property
    def shape(self) -> str:
        """The sign that says the level without colour."""
        return SHAPES[self.level]

    @property
    def has_values(self) -> bool:
        """Whether there is anything to show but the state."""
        return self.phase in ("fresh", "ageing")


class NearView(View, frozen=True, kw_only=True):
    """Another office where the same takes less time: `word` says which, how long and how far."""

    site: str


class WayView(msgspec.Struct, frozen=True, kw_only=True):
    """A way not to come; nothing in it ages. Without `url` it is no link."""

    name: str
    url: str | None
    note: str


class ServiceView(View, frozen=True, kw_only=True):
    """One service."""

    id: str
    name: str
    where: str
    people: str
    waiting: str
    wait: str
    called: str | None
    booked: tuple[str, ...] = ()
    curve: Curve | None = None
    best: str = ""
    near: NearView | None = None
    instead: tuple[WayView, ...] = ()
    held: tuple[str, ...] = ()  # of an event: its days, and its hours then
    address: str = ""
    map: str | None = None


class LotView(View, frozen=True, kw_only=True):
    """One car park."""

    id: str
    name: str
    said: str
    accessible: str


class ZoneView(View, frozen=True, kw_only=True):
    """One place where people wait."""

    id: str
    name: str
    people: str
    capacity: str


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """One called ticket."""

    key: str
    at: datetime
    number: str
    service: str
    go: str


class CallsView(View, frozen=True, kw_only=True):
    """The last called tickets, newest first."""

    calls: tuple[CallView, ...]
    missed: tuple[CallView, ...] = ()


class NoticeView(View, frozen=True, kw_only=True):
    """One announcement, in the language that there is; `others` are the other languages' texts."""

    id: str
    severity: str
    language: str
    text: str
    others: tuple[tuple[str, str], ...] = ()


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """All that a site shows, in one language."""

    language: str
    site: str
    as_of: str
    answer: View
    quieter: View | None = None  # when the answer will be a better one
    measured: View | None = None  # how far off the told waits were
    services: tuple[ServiceView, ...]
    lots: tuple[LotView, ...]
    zones: tuple[ZoneView, ...]
    calls: CallsView
    notices: tuple[NoticeView, ...]
    hub_gone: bool
    good_until: datetime
