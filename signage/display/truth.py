"""Screen truth: what the page says that it paints goes to the hub, which knows what is so."""

from collections.abc import Mapping
from functools import partial

import msgspec
from aiohttp import web

from models.contract.codec import MAX_BYTES, decode
from models.contract.results import Screen
from models.errors import BadPayload
from models.screens.truth import Patience
from signage.display.station import Part, Station
from signage.feed.responses import Handler
from signage.serving import Step, each

_LOOK_S = 1.0


class Truth(Part):
    """Passes on what static/truth.js reads from the glass, and notices when it is silent."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._silence_s = Patience().at_speed(station.clock.speed).silence_s
        self._heard_s = station.clock.monotonic()
        self._kept_s: float | None = None

    def posts(self) -> Mapping[str, Handler]:
        """The page's report."""
        return {"/screen": self._report}

    def steps(self) -> Mapping[str, Step]:
        """A page that says nothing shows nobody knows what."""
        return {"truth": partial(each, _LOOK_S, self._look)}

    async def _report(self, request: web.Request) -> web.Response:
        body = await request.content.read(MAX_BYTES + 1)
        try:
            screen = decode(Screen, body)
        except BadPayload as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if self._is_of_a_guest(request):
            return web.Response(status=204)
        clock = self._station.clock
        self._heard_s = clock.monotonic()
        at = clock.now() if clock.synchronised() else None
        self._station.tell("screen", msgspec.structs.replace(screen, at=at))
        self._look()
        return web.Response(status=204)

    def _is_of_a_guest(self, request: web.Request) -> bool:
        """Whether the keeper's browser reports, too: nobody else's window is the panel."""
        now_s = self._station.clock.monotonic()
        if "kept" in request.query:
            self._kept_s = now_s
        return "kept" not in request.query and (
            self._kept_s is not None and now_s - self._kept_s <= self._silence_s
        )

    def _look(self) -> None:
        silent = self._station.clock.monotonic() - self._heard_s > self._silence_s
        why = "want the page to say each minute what it paints, it is silent"
        self._station.alert("page", why if silent else None)
