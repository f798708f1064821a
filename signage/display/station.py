"""One display as its Pi knows it, and what its parts share."""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from broker.clock import Clock
from models.contract.observations import Reading
from models.site import Display, Site
from signage.cache import Cache
from signage.feed.responses import Handler
from signage.mirror import Mirror
from signage.serving import Step

Observe = Callable[[str, Reading], Coroutine[Any, Any, None]]
"""Sends an observation of this display to the hub: its name, and what was seen."""


class Station:
    """What the parts of one display share.

    `folder` is where it keeps what must outlive it. `commands` are what staff may tell it over
    MQTT: a part adds its own, by the last level of the topic.
    """

    def __init__(self, site: Site, display: Display, mirror: Mirror, folder: Path) -> None:
        self.site = site
        self.display = display
        self.mirror = mirror
        self.folder = folder
        self.cache = Cache(mirror)
        self.commands: dict[str, Callable[[bytes], None]] = {}
        self.observe: Observe | None = None
        """None while nothing connects it: a preview, a screen that stands alone."""

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.mirror.clock


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
