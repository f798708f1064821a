"""Devices that call an address on the web: buttons by LTE, clouds that pass their presses on.

Nothing listens unless the site file says where. Who has no token changes nothing.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
import ssl
from base64 import b64decode
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from broker.service import secret, secret_file
from edge.bridge.aims import COUNTED, AimedSettings, Where, aimed, known_now_s, means
from edge.sensors import Output, Port, Settings
from models.contract.ids import Id
from models.errors import BadPayload, BadSite, Missing, SensorFailed
from models.sensing.foreign import Foreign, Refused, Rule, check, parsed, pointed
from models.sensing.profiles import HOOKS, Hook
from models.site import Site

if TYPE_CHECKING:
    from aiohttp import web

SHORTEST = 32
"""Signs of a token: nobody guesses it, so that nobody need be kept from trying."""

MAX_BYTES = 16 * 1024
_MOST_AT_ONCE = 16
_MOST_A_MINUTE = 60  # of one hook
_REMEMBERED = 256
_READ_S = 10.0
_CLOSE_S = 1.0
_A_MINUTE_S = 60.0
_LAST_PORT = 65535
_PLAIN = "json"

Again = Annotated[str, msgspec.Meta(pattern=r"^(/.*|[A-Za-z0-9-]+)(?!\n)$", max_length=200)]
"""A JSON pointer, or the name of a header."""


class HookSettings(AimedSettings, frozen=True, kw_only=True):
    """One device that calls; its kind is its make, or `json`."""

    name: Id
    token_file: str
    value: Where | None = None
    again: Again | None = None


class WebhookSettings(Settings, frozen=True, kw_only=True):
    """Where devices call, and which may."""

    listen: str
    cert: str | None = None
    key: str | None = None
    hooks: Annotated[tuple[HookSettings, ...], msgspec.Meta(min_length=1)]


class Webhook:
    """One address, and the devices that call it."""

    Settings: ClassVar = WebhookSettings

    def __init__(self, settings: WebhookSettings, site: Site) -> None:
        self._settings = settings
        self._where = _listen(settings)
        self._calls: dict[str, _Call] = {}
        for i, hook in enumerate(settings.hooks):
            if hook.name in self._calls:
                raise BadSite(f"want each name once, got {hook.name!r} - at `$.hooks[{i}].name`")
            self._calls[hook.name] = _Call(hook, site, f"hooks[{i}].")
        self._busy = 0

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return list(dict.fromkeys(call.output for call in self._calls.values()))

    async def run(self, port: Port) -> None:
        """Serve until cancelled.

        Raises:
            Missing: a token, certificate or key is not there, or a token is short.
            SensorFailed: the port is taken.
        """
        from aiohttp import web  # noqa: PLC0415  only who listens pays for it

        context = await asyncio.to_thread(self._open)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await self._answer(request, port)

        app = web.Application(client_max_size=MAX_BYTES)
        app.router.add_post("/hook/{name}", answer)
        runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=_CLOSE_S,
            auto_decompress=False,  # nothing that could unpack
        )
        await runner.setup()
        try:
            await self._serve(runner, context)
            host, number = runner.addresses[0][:2]
            await port.describe(f"hooks at {host} port {number}")
            await asyncio.get_running_loop().create_future()
        finally:
            await runner.cleanup()

    async def _serve(self, runner: "web.AppRunner", context: ssl.SSLContext | None) -> None:
        from aiohttp import web  # noqa: PLC0415

        host, number = self._where
        try:
            await web.TCPSite(
                runner, host, number, ssl_context=context, backlog=_MOST_AT_ONCE
            ).start()
        except OSError as error:
            why = error.strerror or str(error)
            raise SensorFailed(f"want to listen at {self._settings.listen}, got: {why}") from None

    def _open(self) -> ssl.SSLContext | None:
        """Read the tokens and the certificate: call it in a thread.

        Raises:
            Missing: one is not there, or a token is short.
        """
        for call in self._calls.values():
            call.open()
        cert, key = self._settings.cert, self._settings.key
        if cert is None or key is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(cert, secret_file(key))
        except OSError as error:  # ssl.SSLError is one
            why = error.strerror or str(error)
            raise Missing(f"want a certificate and its key, got: {why} - {cert}, {key}") from None
        return context

    async def _answer(self, request: "web.Request", port: Port) -> "web.Response":
        """204: it is durable, or was before. The others say what a device can act on."""
        from aiohttp import web  # noqa: PLC0415

        call = self._calls.get(request.match_info["name"])
        if not _may(request.headers.get("Authorization", ""), call):
            port.refuse("want the token of a hook, got none or another")
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        assert call is not None  # noqa: S101  nobody may call one that is not there
        if self._busy >= _MOST_AT_ONCE:
            port.refuse(f"want at most {_MOST_AT_ONCE} calls at once, got more")
            return web.Response(status=503, headers={"Retry-After": "5"})
        if not call.has_room(port.clock.monotonic()):
            port.refuse(f"want at most {_MOST_A_MINUTE} calls a minute, got more")
            return web.Response(status=429, headers={"Retry-After": "60"})
        self._busy += 1
        try:
            async with asyncio.timeout(_READ_S):
                body = await request.read()
            return web.Response(status=await call.take(body, request.headers, port))
        except web.HTTPRequestEntityTooLarge:
            port.refuse(f"want at most {MAX_BYTES} bytes, got more")
            return web.Response(status=413, headers={"Connection": "close"})
        except (TimeoutError, ConnectionError):
            port.refuse("want a call to its end, got half of it")
            return web.Response(status=408, headers={"Connection": "close"})
        finally:
            self._busy -= 1


class _Call:
    """One device that calls."""

    def __init__(self, settings: HookSettings, site: Site, path: str) -> None:
        self._settings = settings
        self._aimed, self.output = aimed(settings, site, path)
        self._foreign = Foreign(self._aimed)
        self._hook = self._read(path)
        self.digest = b""
        self._times: deque[float] = deque(maxlen=_MOST_A_MINUTE)
        self._done: deque[str] = deque(maxlen=_REMEMBERED)

    def open(self) -> None:
        """Read the token.

        Raises:
            Missing: it is not there, or short.
        """
        path = self._settings.token_file
        token = secret(path)
        if len(token) < SHORTEST:
            wanted = f"want a token of at least {SHORTEST} signs"
            raise Missing(f"{wanted}, got {len(token)} in {path}")
        self.digest = _digest(token)

    def has_room(self, now_s: float) -> bool:
        """Whether it has not called too often."""
        if len(self._times) == _MOST_A_MINUTE and now_s - self._times[0] < _A_MINUTE_S:
            return False
        self._times.append(now_s)
        return True

    async def take(self, body: bytes, headers: Mapping[str, str], port: Port) -> int:
        """Emit what it says; the status to answer with."""
        now_s = known_now_s(port.clock) if self._hook.rule.at else None
        sign = self._sign(body, headers)
        if sign is not None and sign in self._done:
            port.refuse("want what is new, got it again")
            return 204
        made = self._foreign.take(self._hook.rule, body, port.clock.monotonic(), now_s)
        if not made:
            made = [Refused("want a value in the call, got none")]
        status = 204
        for one in made:
            if isinstance(one, Refused):
                port.refuse(one.why)
                status = status if one.is_repeat else 400
                continue
            if sign is not None:
                self._done.append(sign)
            await port.emit(self.output.name, one)
        return status

    def _sign(self, body: bytes, headers: Mapping[str, str]) -> str | None:
        """What this call has in common with another of the same."""
        again = self._hook.again
        if not again.startswith("/"):
            return headers.get(again) if again else None
        try:
            found = pointed(parsed(body), again)
        except BadPayload:
            return None  # it is refused when it is read
        return None if found is None else str(found)[:200]

    def _read(self, path: str) -> Hook:
        """How it is read.

        Raises:
            BadSite: no such kind, or keys that are not for it.
        """
        given = self._settings
        hook = HOOKS.get(given.kind)
        if hook is not None:
            for key in ("value", "again"):
                if getattr(given, key) is not None:
                    raise BadSite(f"want it with kind `{_PLAIN}` only - at `$.{path}{key}`")
            if self._aimed.aim in COUNTED:
                raise BadSite(f"want what happens of a press - at `$.{path}{self._aimed.aim}`")
            return hook
        if given.kind != _PLAIN:
            known = ", ".join((*HOOKS, _PLAIN))
            raise BadSite(f"want a kind of {known}, got {given.kind!r} - at `$.{path}kind`")
        if given.value is None:
            raise BadSite(f"want the place of the value - at `$.{path}value`")
        check(given.value, f"{path}value")
        rule = Rule(place=given.value, means=means(self._aimed.aim, total=False))
        return Hook(title="JSON", document="", rule=rule, again=given.again or "")


_NOBODY = hashlib.sha256(secrets.token_bytes()).digest()
"""Held against what is shown for a hook that is not there: that takes as long."""


def _may(shown: str, call: _Call | None) -> bool:
    """Whether the token of this hook is shown, as a bearer's or as the password of anybody."""
    scheme, _, token = shown.partition(" ")
    if scheme.lower() == "basic":
        try:
            token = b64decode(token, validate=True).decode().partition(":")[2]
        except ValueError:
            token = ""
    elif scheme.lower() != "bearer":
        token = ""
    is_right = hmac.compare_digest(_digest(token.strip()), call.digest if call else _NOBODY)
    return is_right and call is not None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _listen(settings: WebhookSettings) -> tuple[str, int]:
    """Where to listen.

    Raises:
        BadSite: no address and port, or one on the network without a certificate.
    """
    host, _, number = settings.listen.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        address = None
    if address is None or not number.isdecimal() or int(number) > _LAST_PORT:
        raise BadSite(f"want address:port, got {settings.listen!r} - at `$.listen`")
    if (settings.cert is None) != (settings.key is None):
        raise BadSite("want both of cert, key or neither - at `$.cert`")
    if settings.cert is None and not address.is_loopback:
        raise BadSite("want cert and key, or 127.0.0.1 behind nginx - at `$.listen`")
    return str(address), int(number)
