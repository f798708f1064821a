"""What is wrong with an office: its hub, its devices, its displays, the waits that it told."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

import msgspec

from models.calendar import Calendar
from models.care.heard import Heard, Told
from models.care.rules import Case, wrong
from models.care.trouble import SEVERITIES, Trouble
from models.care.values import Value, standing, values_of
from models.contract.results import AccuracyResult, MeasuredDay, Shipping
from models.site import Site

_RECENT = 30  # tickets of the last days: fewer say nothing
_USUAL_DAYS = 5
_WORSE = 1.5  # times the usual error ...
_WORSE_S = 120.0  # ... and so much more, in seconds
_KEPT, _KEPT_USUALLY = 0.6, 0.7  # shares of waits within the told range; 0.8 is meant
_BEHIND_S = 3600  # a server that is kept by others may be away for a while


Sort = Literal["hub", "web", "device", "display"]

WEB = "web"
"""The web process, which shows all this; as a rule it tells how the hub's machine feels."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A machine of the office, and what is wrong with it, the most pressing first."""

    id: str
    kind: Sort
    told: Told
    last_word: datetime | None
    troubles: tuple[Trouble, ...] = ()
    shipping: Shipping | None = None

    @property
    def rank(self) -> int:
        """0 for the most pressing."""
        return SEVERITIES.index(self.troubles[0].severity) if self.troubles else len(SEVERITIES)


def units(site: Site, calendar: Calendar, heard: Heard, now: datetime) -> list[Unit]:
    """The hub and the machines of the site file: the most pressing first, else in its order."""

    def unit(kind: Sort, who: str) -> Unit:
        told = heard.of(who)
        case = Case(site=site, calendar=calendar, who=who, told=told, heard=heard, now=now)
        return Unit(
            id=who,
            kind=kind,
            told=told,
            last_word=told.last_word(now),
            troubles=tuple(wrong(case)),
        )

    hub = Unit(
        id="hub",
        kind="hub",
        told=Told(state=heard.hub_state),
        last_word=_last_result(heard, now),
        troubles=tuple(
            sorted(_of_hub(site, calendar, heard, now), key=lambda trouble: trouble.rank)
        ),
        shipping=None if heard.hub_about is None else heard.hub_about.shipping,
    )
    web = [unit("web", WEB)] if heard.of(WEB).is_known else []
    devices = [unit("device", device.id) for device in site.devices]
    displays = [unit("display", display.id) for display in site.displays]
    return sorted([hub, *web, *devices, *displays], key=lambda one: one.rank)


def _last_result(heard: Heard, now: datetime) -> datetime | None:
    """The hub says no health: its newest result is its last word."""
    return max((r.at for r in heard.results.values() if r.at <= now), default=None)


def _of_hub(site: Site, calendar: Calendar, heard: Heard, now: datetime) -> Iterator[Trouble]:
    """What is wrong with the hub and with what it believes."""
    missed = {
        value: standing(calendar, value, heard.results, now)
        for value in sorted(values_of(site, "hub"))
    }
    if heard.hub_gone:
        last = _last_result(heard, now)
        yield Trouble(kind="hub_gone", severity="urgent", who="hub", since=last, missed=missed)
    elif heard.hub_state is not None and heard.hub_state.state == "alert":
        yield Trouble(
            kind="hub_alert",
            severity="urgent",
            who="hub",
            since=heard.hub_state.at,
            why=heard.hub_state.why,
            missed=missed,
        )
    for zone, alert in sorted(heard.alerts().items()):
        if alert.what == "over":
            yield Trouble(kind="over", severity="urgent", who="hub", since=alert.since, what=zone)
    for service in site.services:
        accuracy = heard.accuracy(service.id)
        off = None if accuracy is None else estimate(accuracy)
        if off is not None:
            value = Value("service", service.id)
            yield Trouble(
                kind="estimate",
                severity="soon",
                who="hub",
                what=service.id,
                amount=off[0],
                usual=off[1],
                missed={value: missed[value]},
            )
    shipping = None if heard.hub_about is None else heard.hub_about.shipping
    if shipping is not None and shipping.lag_s >= _BEHIND_S:
        since = now - timedelta(seconds=shipping.lag_s)
        yield Trouble(kind="shipping", severity="later", who="hub", since=since, why=shipping.why)


def estimate(accuracy: AccuracyResult) -> tuple[float, float] | None:
    """Mean error in seconds of the newest waits and what is usual, if they are off.

    Off is: half as much again as usual and more than any of the usual days, or too many waits
    outside of what was told where that is rare. None if they are not, or nobody can say yet.
    """
    days = sorted(accuracy.days, key=lambda day: day.day)
    recent: list[MeasuredDay] = []
    while days and sum(day.count for day in recent) < _RECENT:
        recent.insert(0, days.pop())
    usual = [day for day in days if day.count]
    if len(usual) < _USUAL_DAYS or sum(day.count for day in recent) < _RECENT:
        return None
    error_s, usual_s = _mean(recent, "error_s"), median(day.error_s for day in usual)
    worst_s = max(day.error_s for day in usual)
    if error_s > max(_WORSE * usual_s, usual_s + _WORSE_S, worst_s):
        return error_s, usual_s
    if _mean(recent, "coverage") < _KEPT and _mean(usual, "coverage") >= _KEPT_USUALLY:
        return error_s, usual_s
    return None


def _mean(days: list[MeasuredDay], field: Literal["error_s", "coverage"]) -> float:
    """Each ticket counts once."""
    total = sum(day.count for day in days)
    return float(sum(getattr(day, field) * day.count for day in days)) / total
