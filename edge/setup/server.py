"""Serves the set-up page on the office's own network, for a quarter of an hour."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from broker.clock import Clock
from edge.setup.draft import drafts
from edge.setup.guard import TRIES, Guard, TooManyTries, is_ours
from edge.setup.look import Look
from models.errors import BadSite, Unavailable
from models.site import Device, Site

LIMIT_S = 900.0
"""It ends by itself after so long."""

WARN_S = 120.0
"""So long before its end it says so on the terminal, and the page does."""

COOKIE = "machiai-setup"

_HERE = Path(__file__).parent
_FILES = {
    "/": ("setup.html", "text/html"),
    "/setup.css": ("setup.css", "text/css"),
    "/setup.js": ("setup.js", "text/javascript"),
    "/drawing.js": ("drawing.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_OPEN = frozenset({"/code", "/setup.css", "/icon.svg"})  # what the form for the code needs
_CLOSE_S = 1.0
_LARGEST = 512 * 1024  # bytes of a plan: 500 slots are 50 kB
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none, a browser hides where a form came from
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Thing(msgspec.Struct, frozen=True):
    """A zone, a line or a lot of the site file."""

    id: str
    name: dict[str, str]


class Drawn(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to what was drawn."""

    toml: str | None = None
    mistake: str | None = None


class Setup:
    """The pages of one device's set-up. Make it outside a running loop: it reads files."""

    def __init__(self, site: Site, device: Device, clock: Clock, limit_s: float = LIMIT_S) -> None:
        """Take the plan as the site file has it.

        Raises:
            BadSite: the device's settings are wrong.
            BadUsage: it has no camera.
        """
        self._site, self._device, self.clock = site, device, clock
        self._ends_s = clock.monotonic() + limit_s
        self.guard = Guard()
        self.over = asyncio.Event()
        self.drafts = drafts(site, device)
        self.looks = [Look(lambda: clock.monotonic() / clock.speed) for _ in self.drafts]
        self._texts = {
            path: (_HERE / name).read_text("utf-8") for path, (name, _) in _FILES.items()
        }
        self._ask = (_HERE / "code.html").read_text("utf-8")

    @property
    def left_s(self) -> float:
        """Until it ends by itself."""
        return max(0.0, self._ends_s - self.clock.monotonic())

    def app(self) -> web.Application:
        """All that is served."""
        app = web.Application(middlewares=[self._guarded], client_max_size=_LARGEST)
        for path in _FILES:
            app.router.add_get(path, self._file)
        app.router.add_post("/code", self._code)
        app.router.add_get("/plan", self._plan)
        app.router.add_post("/plan/{camera}", self._draw)
        app.router.add_get("/frame/{camera}", self._frame)
        app.router.add_get("/snippet/{camera}", self._snippet)
        app.router.add_post("/end", self._end)
        app.on_response_prepare.append(_sign)
        return app

    @web.middleware
    async def _guarded(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Nothing without the code, nothing for other pages, nothing by a foreign name."""
        if not is_ours(request.host):
            return web.Response(status=421, text="want this machine's address\n")
        if request.method == "POST" and request.headers.get("Origin") != f"http://{request.host}":
            return web.Response(status=403, text="want a request from our own page\n")
        if request.path in _OPEN or self.guard.knows(request.cookies.get(COOKIE)):
            return await handler(request)
        if request.path == "/":
            return self._asked(401, "")
        return web.Response(status=401, text="want the code\n")

    def _asked(self, status: int, why: str) -> web.Response:
        text = self._ask.replace("@WHY@", why).replace("@DEVICE@", self._device.id)
        return web.Response(status=status, text=text, content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(text=self._texts[request.path], content_type=_FILES[request.path][1])

    async def _code(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode(errors="replace")
        session = self.guard.enter(parse_qs(body).get("code", [""])[0])
        if session is None:
            if self.guard.is_closed:
                self.over.set()
            left = max(0, TRIES - self.guard.wrong)
            return self._asked(
                401,
                f"番号が違うか、使用済みです。あと{left}回で終了します。"
                f'<small lang="en">Wrong or used code. {left} more and this ends.</small>',
            )
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(COOKIE, session, httponly=True, samesite="Strict", path="/")
        return answer

    async def _plan(self, request: web.Request) -> web.Response:
        """All that the page needs to know once."""
        _ = request
        site, device = self._site, self._device
        return _json(
            {
                "site": site.site.name,
                "device": {"id": device.id, "name": device.name or {}},
                "limit_s": self.left_s,
                "warn_s": WARN_S,
                "cameras": [
                    {"source": draft.source, "plan": draft.settings.plan, "toml": draft.snippet()}
                    for draft in self.drafts
                ],
                "zones": [Thing(z.id, z.name or {}) for z in site.zones],
                "lines": [Thing(n.id, n.name or {}) for n in site.lines],
                "lots": [Thing(n.id, n.name or {}) for n in site.lots],
            }
        )

    async def _draw(self, request: web.Request) -> web.Response:
        """Count by this plan from now on; refused plans change nothing."""
        draft = self.drafts[self._number(request)]
        try:
            plan = msgspec.json.decode(await request.read(), type=dict[str, Any])
            return _json(Drawn(toml=draft.draw(plan)))
        except (msgspec.DecodeError, BadSite, RecursionError) as error:
            return _json(Drawn(mistake=str(error)))

    async def _frame(self, request: web.Request) -> web.Response:
        """The newest picture with what was counted in it; 204 if the page has it."""
        look = self.looks[self._number(request)]
        headers = {"Machiai-Left": f"{self.left_s:.0f}"}
        seen = look.seen
        if seen is None:
            return web.Response(status=503, text=look.why, headers=headers)
        if request.query.get("after") == str(seen.number):
            return web.Response(status=204, headers=headers)
        headers["Machiai-Seen"] = msgspec.json.encode(seen.told()).decode()
        return web.Response(body=seen.jpeg, content_type="image/jpeg", headers=headers)

    async def _snippet(self, request: web.Request) -> web.Response:
        draft = self.drafts[self._number(request)]
        headers = {"Content-Disposition": f'attachment; filename="{self._device.id}.toml"'}
        return web.Response(text=draft.snippet(), content_type="application/toml", headers=headers)

    async def _end(self, request: web.Request) -> web.Response:
        _ = request
        self.over.set()
        return web.Response(status=204)

    def _number(self, request: web.Request) -> int:
        written = request.match_info["camera"]
        if not written.isdecimal() or int(written) >= len(self.drafts):
            raise web.HTTPNotFound
        return int(written)


async def serve(made: Setup, *, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until it is over: the time, the page's own end, five wrong codes, or a signal.

    Args:
        made: the set-up.
        host: the address to listen on.
        port: the port to listen on.
        tell: prints a line on the terminal.

    Raises:
        TooManyTries: somebody guessed at the code.
        Unavailable: the port is taken.
    """
    runner = web.AppRunner(made.app(), access_log=None, shutdown_timeout=_CLOSE_S)
    await runner.setup()
    tasks: list[asyncio.Task[None]] = []
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = error.strerror or str(error)
            raise Unavailable(f"want to serve at {host}:{port}, got: {why}") from None
        tell(f"camera set-up: open http://{_address(host)}:{port}/ in this network")
        tell(f"the code is {made.guard.code[:4]} {made.guard.code[4:]}; it is good once")
        tell(f"it ends by itself in {_minutes(made.left_s)}; Ctrl-C ends it now")
        async with asyncio.TaskGroup() as group:
            for draft, look in zip(made.drafts, made.looks, strict=True):
                run = look.run(draft)
                tasks.append(group.create_task(run, name=f"camera {draft.source}"))
            tasks.append(group.create_task(_time(made, tell), name="time"))
            await made.over.wait()
            for task in tasks:
                task.cancel()
    finally:
        await runner.cleanup()
        tell("the camera set-up is over: nothing listens any more")
    if made.guard.is_closed:
        raise TooManyTries(f"want the code, got {TRIES} wrong ones")


async def _time(made: Setup, tell: Callable[[str], None]) -> None:
    """End it when its time is up, and say so before."""
    if made.left_s > WARN_S:
        await made.clock.sleep(made.left_s - WARN_S)
        tell(f"the camera set-up ends in {_minutes(made.left_s)}: save what was drawn")
    await made.clock.sleep(made.left_s)
    made.over.set()


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else f"{seconds:.0f} seconds"


def _address(host: str) -> str:
    """What to type to reach this machine: the address of its way out, if it listens on all."""
    if host not in {"0.0.0.0", "::", ""}:  # noqa: S104  this is where it is looked for
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way_out:
        try:
            way_out.connect(("192.0.2.1", 9))  # UDP: nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(way_out.getsockname()[0])


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    _ = request
    response.headers.update(_HEADERS)
    response.headers["Server"] = "machiai"


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
