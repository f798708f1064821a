"""What the staff's pages of one office share, and what each of them is."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from aiohttp import web

from broker.clock import Clock
from models.contract.observations import Reading
from models.site import Site
from signage.assets import environment
from signage.mirror import Mirror
from signage.serving import Step
from signage.staff.watching import Watching
from signage.staff.words import LANGUAGES, OWN_NAMES, StaffWords

Role = Literal["viewer", "counter", "facility"]
"""In this order: each may do what those before it may."""

Observe = Callable[[str, Reading], Coroutine[Any, Any, None]]
"""Sends what staff enter to the hub, as the device `web`: the name of what it is of, and what."""

Order = Callable[[str, str], bool]
"""Tells a machine to do something now, by its id and the command's name; False: nobody hears it."""

ROLES: tuple[Role, ...] = get_args(Role)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in. `name` stands in the audit log and as `by` of what they enter."""

    name: str
    role: Role
    language: str = "ja"
    token: str = ""  # each of their forms has it as the hidden field `token`
    at: str = ""  # the page that they look at, below `/staff`
    said: str = ""  # what their last act says of itself, to be read once

    def may(self, role: Role) -> bool:
        """Whether they may do what this role does."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Done(msgspec.Struct, frozen=True):
    """What an act did: in a line for the audit log, and in a sentence for who did it.

    `back` is the page that comes next, a path below `/staff`.
    """

    what: str
    back: str
    said: str = ""


View = Callable[[web.Request, Person], Awaitable[web.Response]]
"""A page. It changes nothing."""

Act = Callable[[Mapping[str, str], Person], Awaitable[Done]]
"""Something that is changed, by the fields of a form (the door has looked at its token).

It raises `BadUsage` for what it does not take: the person reads why (so say it in their words,
`Room.words`), and the log has it.
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
        self.watching = Watching(mirror)
        self.order: Order = lambda _who, _name: False  # until there is a connection
        self.menu: Sequence[tuple[str, str, Role]] = ()  # path, key of its name, who may see it
        self._words = {code: StaffWords(code, site.zone_info) for code in LANGUAGES}

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.mirror.clock

    def words(self, person: Person) -> StaffWords:
        """The texts of a person's language: those of staff's pages, then those of residents'."""
        return self._words[person.language]

    def page(self, person: Person, template: str, **values: object) -> web.Response:
        """A page of staff's, made from a template that extends `staff.html`.

        The template has `words`, `person`, `root` (of the office's pages), `staff` (of these),
        `token` (for each form) and the values.
        """
        return self.plain(
            person.language,
            template,
            person=person,
            token=person.token,
            said=person.said,
            proposals=self.mirror.proposals() if person.may("counter") else {},
            menu=[
                (f"{self.root}/staff{path}", key, path == person.at)
                for path, key, role in self.menu
                if person.may(role)
            ],
            **values,
        )

    def plain(self, language: str, template: str, **values: object) -> web.Response:
        """A page for somebody who is not logged in, or not yet."""
        words = self._words[language]
        given = {
            "words": words,
            "root": self.root,
            "staff": f"{self.root}/staff",
            "site": words.name(self.site.site.name),
            "languages": [(code, OWN_NAMES[code]) for code in LANGUAGES],
            "person": None,
            "proposals": {},
            "said": "",
            "menu": (),
        }
        text = environment().get_template(template).render(given | values)
        return web.Response(text=text, content_type="text/html")


class Part:
    """One of the staff's pages and what can be done there; what it does not need it leaves out.

    The door alone puts them into the app: nothing of a part is reached without a session of that
    role, no act without its token, and each act is in the audit log.
    """

    def menu(self) -> Mapping[str, str]:
        """Which of the pages stand in the navigation: the path of each, and the key of its name."""
        return {}

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """Who answers GET at each path below `/staff`, and who may see it: `{"/desk": ...}`."""
        return {}

    def acts(self) -> Mapping[str, tuple[Role, Act]]:
        """The same for POST."""
        return {}

    def steps(self) -> Mapping[str, Step]:
        """What runs as long as the process does, by a name for each."""
        return {}
