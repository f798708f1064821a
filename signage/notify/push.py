"""Notices by Web Push: RFC 8030, encrypted for one browser (8291), signed by us (8292)."""

import asyncio
import base64
import binascii
import os
import ssl
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02, VapidException  # type: ignore[import-untyped]
from pywebpush import WebPusher  # type: ignore[import-untyped]

from broker.clock import Clock
from broker.service import secret_file
from models.errors import BadPayload, BadSite, Unavailable
from models.site import PushTable, Site
from signage.notify.senders import Later, Letter, Refused
from signage.public import PublicOnly

KEY = "vapid.pem"
_TIMEOUT = aiohttp.ClientTimeout(total=20)
_SIGNED_S = 12 * 3600  # RFC 8292, 2: at most 24 hours
_HTTPS = 443
_POINT_BYTES, _AUTH_BYTES = 65, 16
_LONGEST_WAIT_S = 300.0
_WORTH_ANOTHER_TRY = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.UNAUTHORIZED,  # a clock or a key of ours that somebody must put right
    HTTPStatus.FORBIDDEN,
}

Url = Annotated[str, msgspec.Meta(max_length=1024)]
Key = Annotated[str, msgspec.Meta(max_length=128)]


class Keys(msgspec.Struct, frozen=True):
    """The browser's, as base64url."""

    p256dh: Key
    auth: Key


class Subscription(msgspec.Struct, frozen=True):
    """What `PushManager.subscribe()` gives."""

    endpoint: Url
    keys: Keys


def subscription_of(data: bytes | str, services: tuple[str, ...]) -> Subscription:
    """A browser's subscription, at one of these services.

    Raises:
        BadPayload: it is none, or it would have us call somebody else.
    """
    try:
        made = msgspec.json.decode(data, type=Subscription)
        point, auth = _bytes(made.keys.p256dh), _bytes(made.keys.auth)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        url = urlsplit(made.endpoint)
        is_plain = url.scheme == "https" and url.username is None and url.port in {None, _HTTPS}
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadPayload(f"want a subscription, {error}") from None
    if len(point) != _POINT_BYTES or len(auth) != _AUTH_BYTES:
        raise BadPayload("want keys of 65 and 16 bytes")
    host = url.hostname or ""
    if not is_plain or not any(host == name or host.endswith(f".{name}") for name in services):
        raise BadPayload(f"want https at a push service that we know, got {host[:80]!r}")
    return made


class Push:
    """Hands messages to the push services of the browsers' makers."""

    def __init__(
        self,
        table: PushTable,
        site: Site,
        folder: Path,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Read our key, or make it: outside a loop."""
        _ = site
        self._services = table.services
        self._contact = f"mailto:{table.contact}"
        self._vapid = vapid(Path(secret_file(table.key_file)) if table.key_file else folder / KEY)
        public = self._vapid.public_key
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.key = base64.urlsafe_b64encode(point).rstrip(b"=").decode()
        self._clock = Clock()  # a signature holds by true time
        self._resolver = resolver or PublicOnly()
        self._tls = tls or ssl.create_default_context()
        self._session: aiohttp.ClientSession | None = None

    def check(self, written: str) -> str:
        """A subscription; see `Sender`."""
        return msgspec.json.encode(subscription_of(written, self._services)).decode()

    async def send(self, letter: Letter, doubt: Callable[[], Awaitable[None]]) -> None:
        """Until the service's 201; see `Sender`. A repeat replaces what it repeats."""
        try:
            to = subscription_of(letter.to, self._services)
        except BadPayload as error:  # the site file has changed
            raise Refused(str(error), is_gone=True) from None
        body = msgspec.json.encode(
            {
                "title": letter.subject,
                "body": letter.text,
                "lang": letter.language,
                "tag": letter.id,
                "url": letter.page,
            }
        )
        sealed = await asyncio.to_thread(
            lambda: bytes(WebPusher(msgspec.to_builtins(to)).encode(body)["body"])
        )
        headers = self._signed(to.endpoint) | {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(round(letter.ttl_s)),
            "Urgency": "high",
            "Topic": letter.id,
        }
        await doubt()
        try:
            async with self._open().post(
                to.endpoint, data=sealed, headers=headers, allow_redirects=False
            ) as answer:
                status, wait = answer.status, answer.headers.get("Retry-After", "")
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            raise Later(f"want the push taken, got {type(error).__name__}") from None
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        why = f"want the push taken, got {status}"
        if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise Refused(why, is_gone=True)
        if status in _WORTH_ANOTHER_TRY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            after_s = min(float(wait), _LONGEST_WAIT_S) if wait.isdecimal() else 0.0
            raise Later(why, after_s=after_s)
        raise Refused(why)

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=self._resolver, ssl=self._tls)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=_TIMEOUT, headers={"User-Agent": "machiai"}
            )
        return self._session

    def _signed(self, endpoint: str) -> dict[str, str]:
        url = urlsplit(endpoint)
        claims = {
            "aud": f"{url.scheme}://{url.netloc}",
            "sub": self._contact,
            "exp": int(self._clock.now().timestamp()) + _SIGNED_S,
        }
        return dict(self._vapid.sign(claims))


def vapid(path: Path) -> Vapid02:
    """Our key; the first time it is made, for our eyes only.

    Raises:
        BadSite: the file holds no such key.
        Unavailable: it cannot be read or written.
    """
    try:
        if not path.exists():
            made = Vapid02()
            made.generate_keys()
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(made.private_pem())
        return Vapid02.from_pem(path.read_bytes())
    except OSError as error:
        raise Unavailable(f"want a key for Web Push, got: {error.strerror} - {path}") from None
    except (ValueError, VapidException) as error:
        raise BadSite(f"want a key as PEM, got: {error} - {path}") from None


def _bytes(key: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None
