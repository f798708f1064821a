"""All that is published at one moment, by the topic below `hub/`."""

from collections.abc import Iterable

from models.contract.results import AlertResult, Call, CallsResult, Result, ZoneResult
from models.screens.announce import HOLDS_S
from models.state import notices
from models.state.lines import line_result
from models.state.measured import accuracy_result
from models.state.places import lot_result, zone_result
from models.state.sanity import checked
from models.state.services import service_result
from models.state.view import View, time_of

_CALLS = 10
_MISSED_S = 1800.0  # so long a number is told of whose holder did not come


def results_of(view: View) -> dict[str, Result]:
    """Every value with its age, its spread and its end, and none that cannot be."""
    house = view.house
    results: dict[str, Result] = {f"service/{s}": service_result(view, s) for s in house.services}
    results |= {f"lot/{lot.id}": lot_result(view, lot.id) for lot in house.site.car_parks}
    results |= {f"zone/{zone}": zone_result(view, zone) for zone in house.zones}
    results.update(notices.results(view))
    for zone in house.zones:
        told = results[f"zone/{zone}"]
        if isinstance(told, ZoneResult) and told.over:
            results[f"alert/{zone}"] = _over_alert(view, zone, told)
    results |= {f"accuracy/{s}": accuracy_result(view, s) for s in house.services}
    results["calls"] = _calls_result(view)
    for service in house.services:
        line = line_result(view, service)
        if line is not None:  # after the calls: whoever leaves a line has been heard to be called
            results[f"line/{service}"] = line
    for result in results.values():
        checked(result)
    return results


def _calls_result(view: View) -> CallsResult:
    """The last calls, but none after which its service may have called others unseen.

    That a ticket was called just now is true whatever came after it.
    """
    ends_s = {s: view.tickets_until_s(s) for s in view.house.services}
    blind_s = {s: state.tickets.blind_s or 0.0 for s, state in view.memory.services.items()}

    def are_last(calls: list[Call]) -> tuple[Call, ...]:
        return tuple(
            call
            for call in reversed(calls)
            if ends_s.get(call.service, 0.0) > view.now_s
            and call.at.timestamp() >= blind_s[call.service]
        )

    def younger(calls: Iterable[Call], than_s: float) -> tuple[Call, ...]:
        return tuple(call for call in calls if call.at.timestamp() > view.now_s - than_s)

    calls = are_last(view.memory.calls[-_CALLS:])
    missed = younger(are_last(view.memory.missed), _MISSED_S)
    until_s = min((ends_s[c.service] for c in (*calls, *missed)), default=view.plan.end_s)
    return CallsResult(
        at=view.now,
        observed_at=time_of(until_s - view.fresh.ticket_s) if calls or missed else None,
        valid_until=time_of(min(until_s, view.plan.end_s)),
        calls=calls,
        recent=younger(reversed(view.memory.calls), HOLDS_S),
        missed=missed,
    )


def _over_alert(view: View, zone: str, told: ZoneResult) -> AlertResult:
    """Too many people are in a zone: staff are told for as long as it is so."""
    since_s = view.memory.zones[zone].over_since_s(view.now_s)
    return AlertResult(
        at=view.now,
        observed_at=told.observed_at,
        valid_until=told.valid_until,
        what="over",
        since=time_of(view.now_s if since_s is None else since_s),
        why=f"want at most {told.capacity} people, got {told.people} - in zone {zone}",
    )
