"""All that is published at one moment, by the topic below `hub/`."""

import msgspec

from models.contract.results import AlertResult, CallsResult, NoticeResult, Result, ZoneResult
from models.state.lines import line_result
from models.state.measured import accuracy_result
from models.state.places import lot_result, zone_result
from models.state.sanity import checked
from models.state.services import service_result
from models.state.view import DAY, View, time_of


def results_of(view: View) -> dict[str, Result]:
    """Every value with its age, its spread and its end, and none that cannot be."""
    house = view.house
    results: dict[str, Result] = {f"service/{s}": service_result(view, s) for s in house.services}
    results |= {f"lot/{lot.id}": lot_result(view, lot.id) for lot in house.site.car_parks}
    results |= {f"zone/{zone}": zone_result(view, zone) for zone in house.zones}
    for name, notice in view.memory.notices.items():
        if notice.until is None or notice.until > view.now:
            results[f"notice/{name}"] = _notice_result(view, notice)
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
    """The last calls, but none after which its service may have called others unseen."""
    ends_s = {s: view.tickets_until_s(s) for s in view.house.services}
    blind_s = {s: state.tickets.blind_s or 0.0 for s, state in view.memory.services.items()}
    calls = tuple(
        call
        for call in reversed(view.memory.calls)
        if ends_s.get(call.service, 0.0) > view.now_s
        and call.at.timestamp() >= blind_s[call.service]
    )
    until_s = min((ends_s[c.service] for c in calls), default=view.plan.end_s)
    return CallsResult(
        at=view.now,
        observed_at=time_of(until_s - view.fresh.ticket_s) if calls else None,
        valid_until=time_of(min(until_s, view.plan.end_s)),
        calls=calls,
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


def _notice_result(view: View, notice: NoticeResult) -> NoticeResult:
    """A notice holds until it is cancelled, or until the end that it names."""
    until = notice.until or time_of(view.plan.end_s) + DAY
    return msgspec.structs.replace(notice, at=view.now, valid_until=until)
