"""One display as its Pi knows it, and what its parts share."""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from broker.clock import Clock
from broker.device import Alerts
from models.contract.observations import Reading
from models.contract.results import Message
from models.site import Display, Site
from signage.cache import Cache
from signage.feed.responses import Handler
from signage.mirror import Mirror
from signage.serving import Step

Observe = Callable[[str, Reading], Coroutine[Any, Any, None]]
"""Sends an observation of this display to the hub: its name, and what was seen."""

Tell = Callable[[str, Message], None]
"""Says how it is now, at a topic of this display's own: its last level, and what is so."""


class Station:
    """What the parts of one display share.

    `folder` is where it keeps what must outlive it. `commands` are what staff may tell it over
    MQTT: a part adds its own, by the last level of the topic.
    """

    def __init__(
        self,
        site: Site,
        display: Display,
        mirror: Mirror,
        folder: Path,
        *,
        content: Path | None = None,
        sticks: Path | None = None,
        alone: bool = False,
    ) -> None:
        """Take where its playlist lies, where sticks appear, and whether no hub is meant to be."""
        self.site = site
        self.display = display
        self.mirror = mirror
        self.folder = folder
        self.content = content
        self.sticks = sticks
        self.alone = alone
        self.cache = Cache(mirror)
        self.commands: dict[str, Callable[[bytes], None]] = {}
        self.alerts = Alerts(display.id)
        self.observe: Observe | None = None
        """None while nothing connects it: a preview, a screen that stands alone."""
        self.awake: set[str] = set()
        """Why the panel must be on, whatever the calendar says: a part adds its word, and rings."""
        self.asleep = False
        """Whether the panel is off by the calendar: black, and nobody is to miss what it shows."""
        self.tell: Tell = lambda _leaf, _message: None

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.mirror.clock

    def alert(self, what: str, why: str | None) -> None:
        """Tell staff what is wrong with a part of this display, or with None that it is right.

        Call it in the loop, as often as you like: only a change is told, in the log and as `why` of
        the display's retained `state`, which is then `alert`.

        Args:
            what: names the trouble (`playlist`, `voice`); the same name takes it back.
            why: one line: what was wanted, what came, where.
        """
        self.alerts(what, why)


class Part:
    """One thing that a display does; what it does not need it leaves as it is."""

    def routes(self) -> Mapping[str, Handler]:
        """Who answers GET at each path on the Pi."""
        return {}

    def posts(self) -> Mapping[str, Handler]:
        """The same for what the page tells."""
        return {}

    def steps(self) -> Mapping[str, Step]:
        """What runs as long as the display does, by a name for each."""
        return {}
