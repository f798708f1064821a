"""Counting areas of OpenDataCam, polled: it has a page and no MQTT. Three polls in vain: gone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from edge.bridge.aims import PASSED, AimedSettings, aimed, known_now_s
from edge.sensors import Output, Port
from models.errors import BadPayload, BadSite, SensorFailed
from models.sensing.foreign import Foreign, Refused, Rule, Value
from models.sensing.opendatacam import MAX_BYTES, Counted, counted
from models.site import Seconds, Site

if TYPE_CHECKING:
    import aiohttp

_PATIENCE = 3
_OK = 200
_STILL_S = 60.0
_RULE = Rule(means="total")
_HEADERS = {"User-Agent": "machiai", "Accept-Encoding": "identity"}  # nothing that could unpack

Base = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@]+/?(?!\n)$", max_length=255)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class OpendatacamSettings(AimedSettings, frozen=True, kw_only=True):
    """One counting area in the site file."""

    url: Base
    area: Name
    what: Name = "person"
    every_s: Annotated[float, msgspec.Meta(ge=1, le=600)] = 10.0
    timeout_s: Seconds = 10.0


class Opendatacam:
    """One counting area, whose type in OpenDataCam is one direction."""

    Settings: ClassVar = OpendatacamSettings

    def __init__(self, settings: OpendatacamSettings, site: Site) -> None:
        self._settings = settings
        self._aimed, self._output = aimed(settings, site)
        if self._aimed.aim not in PASSED:
            raise BadSite(f"want a gate or a line - at `$.{self._aimed.aim}`")
        if self._aimed.direction is None:
            raise BadSite("want `in` or `out`, got none - at `$.direction`")
        self._title = f"OpenDataCam {settings.area}"

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return [self._output]

    async def run(self, port: Port) -> None:
        """Poll until cancelled.

        Raises:
            SensorFailed: three polls in a row were in vain.
        """
        import aiohttp  # noqa: PLC0415  only who polls pays for it

        foreign, recording = Foreign(self._aimed), ""
        failures = 0
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session:
            while True:
                try:
                    now = await self._look(session, port)
                except BadPayload as error:
                    port.refuse(str(error))
                    failures += 1
                    if failures == _PATIENCE:
                        raise SensorFailed(f"want {self._title}: {error}") from None
                else:
                    failures = 0
                    await self._tell(
                        now, port, foreign, is_next=recording not in {"", now.recording}
                    )
                    recording = now.recording
                await port.clock.sleep(self._settings.every_s)

    async def _tell(self, now: Counted, port: Port, foreign: Foreign, *, is_next: bool) -> None:
        """Emit what has come since the last look; of the next recording all of it."""
        at_s = port.clock.monotonic()
        if is_next:
            foreign.forget()
            foreign.read(_RULE, Value("0", None), at_s)
        await port.describe(self._title)
        for made in foreign.read(_RULE, Value(str(now.total), None), at_s):
            if isinstance(made, Refused):
                port.refuse(made.why)
            else:
                await port.emit(self._output.name, made)

    async def _look(self, session: "aiohttp.ClientSession", port: Port) -> Counted:
        """What it says now.

        Raises:
            BadPayload: no answer, something else, or a recording that stands still.
        """
        import aiohttp  # noqa: PLC0415

        given = self._settings
        url = f"{given.url.rstrip('/')}/recordings?offset=0&limit=1"
        body = bytearray()
        try:
            async with session.get(url, allow_redirects=False) as answer:
                if answer.status != _OK:
                    raise BadPayload(f"want status {_OK}, got {answer.status}")
                async for chunk in answer.content.iter_any():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        break
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
            raise BadPayload(f"want the counts, got {type(error).__name__}") from None
        now = counted(bytes(body), given.area, given.what)
        now_s = known_now_s(port.clock)
        if now_s is not None and (now.until_s is None or now_s - now.until_s > _STILL_S):
            raise BadPayload("want a recording that goes on, got one that stands still")
        return now
