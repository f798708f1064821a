"""What the staff's pages of one office share, and what each of them is."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from aiohttp import web

from broker.clock import Clock
from models.contract.observations import Reading
from models.site import Site
from signage.mirror import Mirror
from signage.serving import Step

Role = Literal["viewer", "counter", "facility"]
"""In this order: each may do what those before it may."""

Observe = Callable[[str, Reading], Coroutine[Any, Any, None]]
"""Sends what staff enter to the hub, as the device `web`: the name of what it is of, and what."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in. `name` stands in the audit log and as `by` of what they enter."""

    name: str
    role: Role


class Done(msgspec.Struct, frozen=True):
    """What an act did, in a line for the audit log, and which page comes next."""

    what: str
    back: str


View = Callable[[web.Request, Person], Awaitable[web.Response]]
"""A page. It changes nothing."""

Act = Callable[[Mapping[str, str], Person], Awaitable[Done]]
"""Something that is changed, by the fields of a form (the door has looked at its token).

It raises `BadUsage` for what it does not take: the person reads why, and the log has it.
"""


class Room:
    """What the parts of one office's staff pages share.

    `folder` is where they keep what must outlive the process. `root` stands before each path.
    """

    def __init__(
        self, site: Site, mirror: Mirror, folder: Path, observe: Observe, root: str = ""
    ) -> None:
        self.site = site
        self.mirror = mirror
        self.folder = folder
        self.observe = observe
        self.root = root

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.mirror.clock


class Part:
    """One of the staff's pages and what can be done there; what it does not need it leaves out.

    The door alone puts them into the app: nothing of a part is reached without a session of that
    role, no act without its token, and each act is in the audit log.
    """

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """Who answers GET at each path below `/staff`, and who may see it."""
        return {}

    def acts(self) -> Mapping[str, tuple[Role, Act]]:
        """The same for POST."""
        return {}

    def steps(self) -> Mapping[str, Step]:
        """What runs as long as the process does, by a name for each."""
        return {}
