"""Alerts of the Common Alerting Protocol 1.2, from a file, a folder, an address or an Atom list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec

from edge.alerts.settings import AlertName, AlertSettings, check_name, check_place, is_address
from edge.alerts.watch import Watch
from edge.sensors import Output, Port
from models.alerts import cap, force
from models.contract.observations import PostNotice
from models.site import Site

_FILE_S, _WEB_S = 0.5, 20.0

Often = Annotated[float, msgspec.Meta(ge=0.1, le=86_400)]
Hold = Annotated[float, msgspec.Meta(gt=0, le=720)]


class CapSettings(AlertSettings, frozen=True, kw_only=True):
    """One source in the site file."""

    source: Annotated[str, msgspec.Meta(min_length=1)]
    name: AlertName = "cap"
    senders: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    unplaced: Literal["show", "ignore"] = "show"
    tests: bool = False
    counts: tuple[force.Row, ...] | None = None  # None: as docs/alerts.md says
    without_end_h: Hold = 24.0
    hosts: tuple[str, ...] = ()
    every_s: Often | None = None  # None: 0.5 for files, 20 for the web


class Cap:
    """One source of alerts."""

    Settings: ClassVar = CapSettings

    def __init__(self, settings: CapSettings, site: Site) -> None:
        check_place(settings.source, "source")
        check_name("cap", settings.name, site)
        self._name = settings.name
        rules = force.Rules(
            name=settings.name,
            senders=frozenset(settings.senders),
            codes=frozenset(settings.codes),
            location=site.site.location,
            unplaced=settings.unplaced == "show",
            tests=settings.tests,
            counts=force.COUNTS if settings.counts is None else settings.counts,
            without_end_s=settings.without_end_h * 3600,
        )
        usual_s = _WEB_S if is_address(settings.source) else _FILE_S
        self._watch = Watch(
            _Reader(rules, site),
            [settings.source],
            settings=settings,
            every_s=usual_s if settings.every_s is None else settings.every_s,
            most=cap.MAX_BYTES,
            hosts=settings.hosts,
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

    def __init__(self, rules: force.Rules, site: Site) -> None:
        self._rules, self._zone = rules, site.zone_info
        self._memory = force.Memory()

    def wants(self, address: str, now: datetime) -> bool:
        del now
        return bool(address)

    def take(self, body: bytes, now: datetime) -> None:
        alert = cap.read(body, self._zone)
        self._memory = force.take(self._memory, alert, self._rules, now)

    def standing(self, now: datetime) -> dict[str, PostNotice]:
        return force.standing(self._memory, self._rules, now)

    def saved(self) -> bytes:
        return msgspec.json.encode(self._memory)

    def load(self, saved: bytes) -> None:
        self._memory = msgspec.json.decode(saved, type=force.Memory)
