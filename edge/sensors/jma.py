"""Warnings, earthquakes and tsunamis as the Japan Meteorological Agency reports them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from edge.alerts.settings import AlertName, AlertSettings, check_name, check_place
from edge.alerts.watch import Watch
from edge.sensors import Output, Port
from edge.sensors.cap import Hold, Often
from models.alerts import jma
from models.contract.observations import PostNotice
from models.errors import BadSite
from models.site import Minutes, Seconds, Site

_FEEDS = "https://www.data.jma.go.jp/developer/xml/feed/"
_LIVE = (f"{_FEEDS}eqvol.xml", f"{_FEEDS}extra.xml")
_LONG = (f"{_FEEDS}eqvol_l.xml", f"{_FEEDS}extra_l.xml")

Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(?!\n)$")]


class JmaSettings(AlertSettings, frozen=True, kw_only=True):
    """What an office wants to hear of, in the site file."""

    weather: tuple[Code, ...] = ()
    quake: tuple[Code, ...] = ()
    tsunami: tuple[Code, ...] = ()
    types: tuple[str, ...] = jma.TYPES
    counts: tuple[jma.Row, ...] | None = None  # None: as docs/alerts.md says
    tests: bool = False
    hold_h: Hold = 24.0
    quake_minutes: Minutes = 60.0
    name: AlertName = "jma"
    sources: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = _LIVE
    history: tuple[str, ...] | None = None  # None: the long lists of the default sources
    every_s: Often = 20.0
    timeout_s: Seconds = 30.0


class Jma:
    """The reports of the JMA for one place."""

    Settings: ClassVar = JmaSettings

    def __init__(self, settings: JmaSettings, site: Site) -> None:
        codes: dict[jma.Family, frozenset[str]] = {
            "weather": frozenset(settings.weather),
            "quake": frozenset(settings.quake),
            "tsunami": frozenset(settings.tsunami),
        }
        if not any(codes.values()):
            raise BadSite("want codes of our place in weather, quake or tsunami - at `$.weather`")
        check_name("jma", settings.name, site)
        history = settings.history
        if history is None:
            history = _LONG if settings.sources == _LIVE else ()
        for key, places in [("sources", settings.sources), ("history", history)]:
            for i, place in enumerate(places):
                check_place(place, f"{key}[{i}]")
        self._name = settings.name
        rules = jma.Rules(
            name=settings.name,
            codes=codes,
            types=frozenset(settings.types),
            counts=jma.COUNTS if settings.counts is None else settings.counts,
            tests=settings.tests,
            hold_s=settings.hold_h * 3600,
            quake_s=settings.quake_minutes * 60,
        )
        self._watch = Watch(
            _Reader(rules),
            settings.sources,
            settings=settings,
            every_s=settings.every_s,
            most=jma.MAX_BYTES,
            history=history,
        )

    def outputs(self) -> Sequence[Output]:
        """What it may emit: notices whose ids begin so."""
        return [Output("notice", self._name)]

    async def run(self, port: Port) -> None:
        """Watch until cancelled.

        Raises:
            SensorFailed: three looks in a row were in vain.
        """
        await self._watch.run(port)


class _Reader:
    """See `edge.alerts.source.Reader`."""

    def __init__(self, rules: jma.Rules) -> None:
        self._rules = rules
        self._memory = jma.Memory()

    def wants(self, address: str, now: datetime) -> bool:
        return jma.wants(address, self._rules, now)

    def take(self, body: bytes, now: datetime) -> None:
        report = jma.read(body, self._rules)
        self._memory = jma.take(self._memory, report, self._rules, now)

    def standing(self, now: datetime) -> dict[str, PostNotice]:
        return jma.standing(self._memory, self._rules, now)

    def saved(self) -> bytes:
        return msgspec.json.encode(self._memory)

    def load(self, saved: bytes) -> None:
        self._memory = msgspec.json.decode(saved, type=jma.Memory)
