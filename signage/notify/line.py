"""Notices by the office's account at LINE: who writes its number there is told there.

Source: the Messaging API's reference (push and reply messages, webhooks, retrying a request).
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import msgspec

from broker.service import secret
from models.errors import BadPayload
from models.site import LineTable, Site
from signage.notify.senders import Heard, Later, Letter, Refused

API = "https://api.line.me/v2/bot/message"
_TIMEOUT = aiohttp.ClientTimeout(total=20)
_LONGEST = 5000  # characters of one message

User = Annotated[str, msgspec.Meta(pattern=r"^U[0-9a-f]{32}(?!\n)$")]


class _Source(msgspec.Struct, frozen=True):
    user: str | None = msgspec.field(name="userId", default=None)


class _Said(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


class Event(msgspec.Struct, frozen=True):
    """What somebody did in the chat; only texts matter."""

    type: str
    source: _Source = _Source()
    message: _Said | None = None
    reply: str | None = msgspec.field(name="replyToken", default=None)


class _Webhook(msgspec.Struct, frozen=True):
    events: tuple[Event, ...] = ()


class LineMessages:
    """Hands messages to LINE, and knows when it is LINE that calls."""

    key = ""
    signature = "X-Line-Signature"

    def __init__(self, table: LineTable, site: Site, folder: Path, api: str = API) -> None:
        """Read the secrets: outside a loop."""
        _ = site, folder
        self._token = secret(table.token_file)
        self._secret = secret(table.secret_file).encode()
        self._api = api
        self._session: aiohttp.ClientSession | None = None

    def check(self, written: str) -> str:
        """A user id; see `Sender`."""
        try:
            return msgspec.convert(written, User)
        except msgspec.ValidationError as error:
            raise BadPayload(f"want a user of LINE, {error}") from None

    def heard(self, body: bytes, signature: str) -> list[Heard]:
        """See `Chat`."""
        wanted = base64.b64encode(hmac.new(self._secret, body, hashlib.sha256).digest())
        if not hmac.compare_digest(wanted, signature.encode()):
            raise BadPayload("want a call signed by LINE")
        try:
            told = msgspec.json.decode(body, type=_Webhook)
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadPayload(f"want events of LINE, {error}") from None
        return [
            Heard(event.source.user, event.message.text[:64], event.reply)
            for event in told.events
            if event.message is not None
            and event.message.type == "text"
            and event.source.user is not None
            and event.reply is not None
        ]

    async def reply(self, to: Heard, text: str) -> None:
        """See `Chat`."""
        made = {"replyToken": to.reply, "messages": [{"type": "text", "text": text[:_LONGEST]}]}
        try:
            await self._post("reply", made, {})
        except (TimeoutError, OSError, aiohttp.ClientError):
            return

    async def send(self, letter: Letter, doubt: Callable[[], Awaitable[None]]) -> None:
        """Until LINE's answer; see `Sender`. A repeat is known by its retry key: never a double."""
        text = f"{letter.subject}\n\n{letter.text}"[:_LONGEST]
        made = {"to": letter.to, "messages": [{"type": "text", "text": text}]}
        key = str(uuid.UUID(bytes=hashlib.sha256(letter.id.encode()).digest()[:16], version=4))
        await doubt()
        try:
            status = await self._post("push", made, {"X-Line-Retry-Key": key})
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            raise Later(f"want the message taken, got {type(error).__name__}") from None
        if status in {HTTPStatus.OK, HTTPStatus.CONFLICT}:  # 409: it has been taken before
            return
        why = f"want the message taken, got {status}"
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS} or status >= (
            HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            raise Later(why)
        raise Refused(why)

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, what: str, body: dict[str, Any], headers: dict[str, str]) -> int:
        if self._session is None:
            headers_of_all = {"Authorization": f"Bearer {self._token}", "User-Agent": "machiai"}
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers_of_all)
        async with self._session.post(
            f"{self._api}/{what}", json=body, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status
