"""The display's own server as its keeper knows it, over HTTP on 127.0.0.1."""

import asyncio
from http import HTTPStatus
from typing import Self

import aiohttp
import msgspec

from models.errors import Unavailable
from signage.kiosk.told import Ask, Told

_ASK_S = 5.0
_PAGE_S = 5.0


class Server:
    """What the keeper asks of it. Use it as a context."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._client: aiohttp.ClientSession | None = None
        self._decode = msgspec.json.Decoder(Told).decode

    async def __aenter__(self) -> Self:
        """Open it in the running loop."""
        self._client = aiohttp.ClientSession(self._base, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.close()

    def page(self, screen: str) -> str:
        """The address of the page, to be opened under a name."""
        return f"{self._base}/?screen={screen}"

    async def ask(self, ask: Ask) -> Told:
        """How the page does. It answers at once if staff want something, else after a second.

        Raises:
            Unavailable: it does not answer, or not as it should.
        """
        body = await self._post("/kiosk", msgspec.json.encode(ask), _ASK_S)
        try:
            return self._decode(body)
        except msgspec.DecodeError as error:
            raise Unavailable(f"want the display's server to tell how it does, {error}") from None

    async def keep(self, picture: bytes) -> None:
        """Give it a picture of the page.

        Raises:
            Unavailable: it does not take it.
        """
        await self._post("/screenshot", picture, _ASK_S)

    async def serves_page(self) -> bool:
        """Whether a browser that is sent there gets the page."""
        try:
            await self._answer("GET", "/", None, _PAGE_S)
        except Unavailable:
            return False
        return True

    async def _post(self, path: str, body: bytes, patience_s: float) -> bytes:
        return await self._answer("POST", path, body, patience_s)

    async def _answer(self, method: str, path: str, body: bytes | None, patience_s: float) -> bytes:
        if self._client is None:
            raise Unavailable("want the keeper's connection open, it is closed")
        try:
            async with (
                asyncio.timeout(patience_s),
                self._client.request(method, path, data=body) as answer,
            ):
                if answer.status != HTTPStatus.OK:
                    raise Unavailable(f"want 200 of {self._base}{path}, got {answer.status}")
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
            raise Unavailable(f"want {self._base}{path} to answer, got: {why}") from None
