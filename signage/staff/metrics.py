"""`/metrics`: the office in numbers for Prometheus, for who shows a token and nobody else."""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from aiohttp import hdrs, web

from broker.service import secret
from models.calendar import Calendar
from models.care.heard import Heard
from models.care.office import Unit, units
from models.care.trouble import SEVERITIES
from models.care.values import standing, values_of
from models.contract.results import Health, LotResult, Result, ServiceResult, ZoneResult
from models.errors import BadSite
from models.site import Site
from signage.staff.asked import scheme_of
from signage.staff.room import Room

SHORTEST = 32
"""Signs of a token: nobody guesses it, so that nobody need be kept from trying."""

METRICS = {
    "machiai_broker_up": "1 while this process hears the broker; else all below is old",
    "machiai_hub_up": "1 while the hub can be heard",
    "machiai_machines": "machines by how pressing their worst trouble is",
    "machiai_trouble": "1 for each trouble of a machine",
    "machiai_machine_up": "1 while a machine says that it is there",
    "machiai_last_word_seconds": "since a machine last spoke",
    "machiai_outbox_observations": "observations that have not arrived at the hub",
    "machiai_clock_synchronised": "1 while something keeps its clock right",
    "machiai_temperature_celsius": "of the processor",
    "machiai_under_voltage": "1 while its supply is too weak",
    "machiai_disk_free_ratio": "free part of the disk that holds the outbox",
    "machiai_certificate_days": "until its certificate ends",
    "machiai_refused_inputs": "inputs that it could not use since it was started",
    "machiai_sensor_age_seconds": "since a sensor last gave something, as its device said",
    "machiai_version_info": "1 for the version that a machine runs",
    "machiai_value_missing": "1 while residents miss a value that they should read",
    "machiai_wait_seconds": "wait that is told for a service, median",
    "machiai_waiting_people": "people who wait for a service",
    "machiai_zone_people": "people in a zone",
    "machiai_free_places": "free places that are told of a car park, median",
    "machiai_wait_error_seconds": "mean error of the waits told over 28 days",
    "machiai_wait_coverage_ratio": "share of the waits that came within the range told, 28 days",
    "machiai_shipping_lag_seconds": "age of the oldest observation that the city's server has not",
    "machiai_shipping_lost": "observations forgotten before it had them, and points it refused",
}
"""All gauges, each with what it says; docs/grafana/machiai.json draws them."""

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(msgspec.Struct, frozen=True):
    """One number, and of what it is."""

    name: str
    labels: dict[str, str]
    value: float


class Metrics:
    """One office's. Reads the token: make it outside a loop."""

    def __init__(self, room: Room, token_file: str) -> None:
        """Take where the token is.

        Raises:
            Missing: it is not there.
            BadSite: it can be guessed.
        """
        self._room = room
        self._calendar = Calendar(room.site)
        self._token = secret(token_file).encode()
        if len(self._token) < SHORTEST:
            raise BadSite(
                f"want a token of at least {SHORTEST} signs, got {len(self._token)}"
                f" in {token_file} - at `$.staff.metrics_token_file`"
            )

    def add_to(self, app: web.Application) -> None:
        """Register it."""
        app.router.add_get(f"{self._room.root}/metrics", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        """The numbers, as they are now."""
        if scheme_of(request) is None:  # the token would be read on the way
            raise web.HTTPForbidden(text="want TLS, or a program on this machine")
        kind, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        given = token.strip().encode("utf-8", "surrogateescape")
        if kind.lower() != "bearer" or not hmac.compare_digest(given, self._token):
            raise web.HTTPUnauthorized(
                headers={hdrs.WWW_AUTHENTICATE: "Bearer", hdrs.CACHE_CONTROL: "no-store"}
            )
        room = self._room
        now, heard = room.clock.now(), room.watching.heard()
        made = samples(room.site, self._calendar, heard, now)
        headers = {hdrs.CONTENT_TYPE: _TYPE, hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(body=exposition(made).encode(), headers=headers)


def exposition(made: Iterable[Sample]) -> str:
    r"""The samples in Prometheus' text format, grouped by name.

    >>> print(exposition([Sample("machiai_hub_up", {"site": 'a"b'}, 1.0)]), end="")
    # HELP machiai_hub_up 1 while the hub can be heard
    # TYPE machiai_hub_up gauge
    machiai_hub_up{site="a\"b"} 1
    """
    grouped: dict[str, list[Sample]] = {}
    for sample in made:
        grouped.setdefault(sample.name, []).append(sample)
    lines = []
    for name, meaning in METRICS.items():
        if name in grouped:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
            lines += [_line(sample) for sample in grouped[name]]
    return "\n".join(lines) + "\n"


def _line(sample: Sample) -> str:
    labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
    return f"{sample.name}{{{labels}}} {sample.value:.10g}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


Found = Iterator[tuple[str, float, dict[str, str]]]
"""A name, a number, and the labels beside the office's."""


def samples(site: Site, calendar: Calendar, heard: Heard, now: datetime) -> Iterator[Sample]:
    """All numbers of an office; what is unknown is left out."""
    found = units(site, calendar, heard, now)
    for name, value, labels in (
        *_overview(heard, found),
        *(each for unit in found for each in _machine(unit, now)),
        *_results(site, calendar, heard, now),
    ):
        yield Sample(name, {"site": site.id, **labels}, value)


def _overview(heard: Heard, found: Sequence[Unit]) -> Found:
    """The office as a whole."""
    is_heard = heard.listening_s is not None
    yield "machiai_broker_up", is_heard, {}
    yield "machiai_hub_up", is_heard and not heard.hub_gone, {}
    shipping = None if heard.hub_about is None else heard.hub_about.shipping
    if shipping is not None:
        yield "machiai_shipping_lag_seconds", shipping.lag_s, {}
        yield "machiai_shipping_lost", shipping.missing, {"why": "forgotten"}
        yield "machiai_shipping_lost", shipping.refused, {"why": "refused"}
    for rank, severity in enumerate([*SEVERITIES, "well"]):
        count = sum(unit.rank == rank for unit in found)
        yield "machiai_machines", count, {"severity": severity}


def _machine(unit: Unit, now: datetime) -> Found:
    """What is wrong with a machine, and what it said of itself."""
    whose = {"machine": unit.id}
    for trouble in unit.troubles:
        labels = {"trouble": trouble.kind, "severity": trouble.severity}
        yield "machiai_trouble", 1, whose | labels
    if unit.kind == "hub":
        return
    told = unit.told
    is_up = told.state is not None and told.state.state in ("ready", "alert")
    yield "machiai_machine_up", is_up, whose | {"kind": unit.kind}
    if unit.last_word is not None:
        yield "machiai_last_word_seconds", (now - unit.last_word).total_seconds(), whose
    if told.about is not None:
        yield "machiai_version_info", 1, whose | {"version": told.about.version}
    if told.health is not None:
        yield from _health(told.health, whose)


def _health(health: Health, whose: dict[str, str]) -> Found:
    """How it feels."""
    numbers = {
        "machiai_outbox_observations": health.outbox,
        "machiai_clock_synchronised": health.clock_synchronised,
        "machiai_temperature_celsius": health.temperature_c,
        "machiai_under_voltage": health.under_voltage,
        "machiai_disk_free_ratio": health.disk_free_share,
        "machiai_certificate_days": health.certificate_days,
        "machiai_refused_inputs": sum(health.refused.values()),
    }
    for name, number in numbers.items():
        if number is not None:
            yield name, number, whose
    for sensor, age_s in health.sensor_age_s.items():
        if age_s is not None:
            yield "machiai_sensor_age_seconds", age_s, whose | {"sensor": sensor}


def _results(site: Site, calendar: Calendar, heard: Heard, now: datetime) -> Found:
    """What residents read, what they miss, and how true it was."""
    for value in sorted(values_of(site, "hub")):
        is_gone = standing(calendar, value, heard.results, now) == "gone"
        yield "machiai_value_missing", is_gone, {"kind": value.kind, "name": value.id}
        result = heard.results.get(f"{value.kind}/{value.id}")
        if result is not None and now < result.valid_until:
            yield from ((name, number, {"name": value.id}) for name, number in _told(result))
    for service in site.services:
        accuracy = heard.accuracy(service.id)
        if accuracy is not None and accuracy.total is not None:
            yield "machiai_wait_error_seconds", accuracy.total.error_s, {"name": service.id}
            yield "machiai_wait_coverage_ratio", accuracy.total.coverage, {"name": service.id}


def _told(result: Result) -> Iterator[tuple[str, float]]:
    """The numbers that residents read of it."""
    match result:
        case ServiceResult():
            if result.wait is not None:
                yield "machiai_wait_seconds", result.wait.p50_s
            if result.waiting is not None:
                yield "machiai_waiting_people", result.waiting
        case ZoneResult(people=int() as people):
            yield "machiai_zone_people", people
        case LotResult(free=free) if free is not None:
            yield "machiai_free_places", free.p50
