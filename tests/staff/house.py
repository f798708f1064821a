"""The example office's staff pages over HTTP, and people of each role who are logged in.

    def test_my_part(house: StaffHouse) -> None:
        clerk = house.client("counter")
        assert "…" in clerk.get("/desk").text
        assert clerk.post("/desk", service="moving", level="3").status == 303
        assert house.observed == [...]

The fixtures `house` and `clients` stand in tests/staff/conftest.py.
"""

import asyncio
import http.client
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec
from aiohttp import web
from playwright.sync_api import BrowserContext

from models.contract.observations import Reading
from models.site import Site, Staff
from signage.serving import bare_app
from signage.staff import house as built
from signage.staff.room import Part, Role, Room
from tests.signage.office import HandClock, Hub, Served

PASSWORD = "みかんを三つ買って帰る日"  # noqa: S105  of a test
NAMES: dict[str, Role] = {"mado": "viewer", "hanako": "counter", "taro": "facility"}
"""Who has an account: one of each role."""


class Said(NamedTuple):
    """An answer."""

    status: int
    text: str
    headers: http.client.HTTPMessage

    @property
    def place(self) -> str:
        """Where it leads."""
        return self.headers.get("Location", "")


class Client:
    """A browser's part: it keeps the cookie, and sends forms as a browser does."""

    def __init__(self, base: str, root: str = "", via: str | None = None) -> None:
        """Take the public address, where a proxy with TLS stands before the house."""
        self.base = base
        self.root = root
        self.via = via
        self.address = "192.0.2.7"  # as the proxy sees it
        self.cookies: dict[str, str] = {}
        self.token = ""

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Said:
        """One request, to this very path, with these headers and the cookie."""
        sent = dict(headers or {})
        if self.via is not None:
            sent |= {"Host": urlsplit(self.via).netloc, "X-Forwarded-Proto": "https"}
            sent |= {"X-Forwarded-For": self.address}
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=30)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            said = Said(answer.status, answer.read().decode(), answer.headers)
        finally:
            connection.close()
        for cookie in said.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if not self.cookies[name]:
                del self.cookies[name]
        found = re.search(r'name="token" value="([0-9a-f]+)"', said.text)
        if found:
            self.token = found.group(1)
        return said

    def get(self, path: str, language: str = "ja") -> Said:
        """A page below `/staff`."""
        return self.ask("GET", f"{self.root}/staff{path}", headers={"Accept-Language": language})

    def post(self, path: str, **fields: str) -> Said:
        """A form, sent with the session's token to a path below `/staff`."""
        body = urlencode({"token": self.token, **fields}).encode()
        return self.ask("POST", f"{self.root}/staff{path}", body, self.form)

    @property
    def form(self) -> dict[str, str]:
        """The headers that a browser sends with a form."""
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.via or self.base,
            "Sec-Fetch-Site": "same-origin",
        }

    def login(self, name: str, password: str = PASSWORD) -> Said:
        """By name and password."""
        said = self.ask(
            "POST",
            f"{self.root}/staff/login",
            urlencode({"name": name, "password": password}).encode(),
            self.form,
        )
        if said.status == 303:
            self.get("/account")  # for the token
        return said

    def lend(self, context: BrowserContext) -> None:
        """Let a browser be this person."""
        for name, value in self.cookies.items():
            context.add_cookies([{"name": name, "value": value, "url": self.base}])


class StaffHouse:
    """Staff's pages of one office beside the residents', in a loop of their own."""

    def __init__(
        self,
        site: Site,
        folder: Path,
        *,
        staff: Staff | None = None,
        root: str = "",
        people: bool = True,
        port: int = 0,
        more: Sequence[Callable[[Room], Part]] = (),
    ) -> None:
        """Take further parts, beside those of `PARTS`."""
        self.site = msgspec.structs.replace(site, staff=staff or site.staff or Staff())
        self.hub = Hub(self.site, HandClock())
        self.served = Served(self.hub)
        self.observed: list[tuple[str, Reading]] = []
        self.house = built.House(self.site, self.hub.mirror, folder, self._observe, root)
        for number, made in enumerate(more):
            self.house.parts[f"more-{number}"] = made(self.house.room)
        self.app: web.Application = bare_app(self.hub.clock, [self.hub.mirror], [])
        self.house.add_to(self.app)
        self.base = self.served._start(self.app, port)
        self.root = root
        self._steps = [
            asyncio.run_coroutine_threadsafe(step(), self.served._loop)
            for step in self.house.steps().values()
        ]
        self._clients: dict[str, Client] = {}
        if people:
            for name, role in NAMES.items():
                self.house.login.accounts.add(name, role, PASSWORD, self.clock.now())

    @property
    def clock(self) -> HandClock:
        return self.hub.clock

    @property
    def room(self) -> Room:
        return self.house.room

    def stranger(self, via: str | None = None) -> Client:
        """Somebody who is not logged in."""
        return Client(self.base, self.root, via)

    def client(self, role: Role) -> Client:
        """Somebody of this role who is logged in; the same one each time."""
        if role not in self._clients:
            made = self.stranger()
            name = next(name for name, its in NAMES.items() if its == role)
            assert made.login(name).status == 303
            self._clients[role] = made
        return self._clients[role]

    def audit(self) -> list[tuple[str, str, str, str]]:
        """Who, act, outcome, what; the oldest first."""
        return [(e.who, e.act, e.outcome, e.what) for e in self.house.audit.every()]

    def close(self) -> None:
        for step in self._steps:
            step.cancel()
        self.served.close()
        self.house.close()

    async def _observe(self, name: str, reading: Reading) -> None:
        self.observed.append((name, reading))
