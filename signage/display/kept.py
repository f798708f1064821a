"""What the keeper of the browser (`machiai kiosk`) and the page tell, and what staff tell them."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

from signage.display.proof import Proof
from signage.display.station import Part, Station
from signage.feed.responses import Handler
from signage.kiosk.told import ORDERS, Ask, Beat, Order, Told

PICTURE = "screenshot.jpg"
"""In the folder of the display: the newest only."""

_LONGEST_WAIT_S = 1.0
_ORDER_LIVES_S = 10.0
_SCREENS = 8
_JPEG = b"\xff\xd8\xff"

T = TypeVar("T")


class _Heard(msgspec.Struct, frozen=True):
    """Of one page, in seconds of a clock that never steps."""

    beat_s: float
    painted_s: float | None
    frames: int


class Kept(Part):
    """How the page does, for its keeper, and what staff want of it."""

    def __init__(self, station: Station, proof: Proof) -> None:
        self._station = station
        self._proof = proof
        self._heard: OrderedDict[str, _Heard] = OrderedDict()
        self._orders: list[tuple[float, Order]] = []
        self._new_order = asyncio.Event()
        for order in ORDERS:
            station.commands[order] = partial(self._order, order)

    def routes(self) -> Mapping[str, Handler]:
        """The newest picture of the page."""
        return {"/screenshot": self._picture}

    def posts(self) -> Mapping[str, Handler]:
        """The page's beat, its keeper's question and picture."""
        return {"/beat": self._beat, "/kiosk": self._kiosk, "/screenshot": self._screenshot}

    def _order(self, order: Order, payload: bytes) -> None:
        _ = payload
        self._orders.append((self._true_s(), order))
        self._new_order.set()

    async def _beat(self, request: web.Request) -> web.Response:
        beat = _decoded(await request.read(), Beat)
        now_s = self._true_s()
        before = self._heard.pop(beat.screen, _Heard(now_s, None, 0))
        painted_s = now_s if beat.frames > before.frames else before.painted_s
        self._heard[beat.screen] = _Heard(now_s, painted_s, beat.frames)
        while len(self._heard) > _SCREENS:
            self._heard.popitem(last=False)
        self._proof.note(beat.shown)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _kiosk(self, request: web.Request) -> web.Response:
        """Answer at once if something is wanted, else after a second."""
        ask = _decoded(await request.read(), Ask)
        self._station.alert("browser", ask.why or None)
        try:
            async with asyncio.timeout(_LONGEST_WAIT_S):
                await self._new_order.wait()
        except TimeoutError:
            pass  # nothing is wanted
        now_s = self._true_s()
        orders = tuple(what for at_s, what in self._orders if now_s - at_s < _ORDER_LIVES_S)
        self._orders.clear()
        self._new_order.clear()
        heard = self._heard.get(ask.screen)
        told = Told(
            beat_s=None if heard is None else now_s - heard.beat_s,
            painted_s=None if heard is None or heard.painted_s is None else now_s - heard.painted_s,
            asleep=self._station.asleep,
            orders=orders,
        )
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    async def _screenshot(self, request: web.Request) -> web.Response:
        picture = await request.read()
        if not picture.startswith(_JPEG):
            raise web.HTTPBadRequest(text="want a JPEG")
        await asyncio.to_thread(self._keep, picture)
        return web.Response(status=HTTPStatus.OK)

    async def _picture(self, request: web.Request) -> web.Response:
        _ = request
        found = await asyncio.to_thread(self._kept)
        if found is None:
            raise web.HTTPNotFound(text="want `screenshot` said to this display first")
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=found, content_type="image/jpeg", headers=headers)

    def _keep(self, picture: bytes) -> None:
        path = self._station.folder / PICTURE
        half = path.with_suffix(".half")
        half.write_bytes(picture)
        half.replace(path)

    def _kept(self) -> bytes | None:
        path = self._station.folder / PICTURE
        return path.read_bytes() if path.exists() else None

    def _true_s(self) -> float:
        """Of life: a page beats as fast in a demo whose clock runs away."""
        return asyncio.get_running_loop().time()


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise web.HTTPBadRequest(text=f"want what `signage/kiosk/told.py` says, {error}") from None
