"""What is published of a service: by the best that is fresh, and never more than is known."""

from datetime import date

import msgspec

from models.contract.results import Booked, ServiceResult
from models.state import waits
from models.state.counters import Counter
from models.state.memory import Rest, ServiceState
from models.state.plan import Spans, within
from models.state.view import DAY, View, time_of
from models.state.zones import level_of


def service_result(view: View, service: str) -> ServiceResult:
    """One service, at the best rung of the ladder that is fresh."""
    spans = view.plan.services[service]
    until_s = view.plan.edge_after(spans, view.now_s)
    known = _known(view, service)
    if not within(spans, view.now_s):
        return _closed(view, service, known)
    rest = _rest(view, service)
    if rest is not None or _all_closed(view, service):
        known = known or ServiceResult(
            at=view.now, valid_until=time_of(until_s), state="paused", basis="staff"
        )
        known = msgspec.structs.replace(known, state="paused")
    if known is not None and rest is not None and rest.until_s is not None:
        known = msgspec.structs.replace(known, opens_at=time_of(rest.until_s))
        until_s = min(until_s, rest.until_s)
    if known is None:
        return ServiceResult(at=view.now, valid_until=time_of(until_s), state="no_data")
    until = min(known.valid_until, time_of(until_s))
    return msgspec.structs.replace(known, valid_until=until, booked=_booked(view, service))


def _booked(view: View, service: str) -> Booked | msgspec.UnsetType:
    """What its book of reservations says of today; a book that is too old says nothing."""
    book, holds_s = view.memory.services[service].book, view.fresh.bookings_s
    told = book.told(view.plan.day, view.now_s, holds_s)
    if told is None or view.house.services[service].bookings is None:
        return msgspec.UNSET
    later = [slot for slot in told.slots if slot.at_s > view.now_s and slot.booked]
    free_s = (
        slot.at_s
        for key in sorted(book.days)
        if (known := book.told(date.fromisoformat(key), view.now_s, holds_s))
        for slot in known.slots
        if slot.places is not None and slot.booked < slot.places and slot.at_s > view.now_s
    )
    first_s = next(free_s, None)
    return Booked(
        as_of=time_of(told.told_s),
        left=sum(slot.booked for slot in later),
        next_at=time_of(later[0].at_s) if later else None,
        free_at=None if first_s is None else time_of(first_s),
    )


def _closed(view: View, service: str, known: ServiceResult | None) -> ServiceResult:
    """No more tickets today; while some wait, who they are is shown, and no wait."""
    opens_at = view.house.plans.calendar.service_opens(service, view.now)
    closed = ServiceResult(
        at=view.now,
        valid_until=opens_at or view.now + DAY,
        state="closed",
        opens_at=opens_at,
    )
    if known is None or not known.waiting:
        return closed
    return msgspec.structs.replace(
        closed,
        observed_at=known.observed_at,
        valid_until=min(known.valid_until, closed.valid_until),
        waiting=known.waiting,
        called=known.called,
        counters_open=known.counters_open,
        basis=known.basis,
    )


def _known(view: View, service: str) -> ServiceResult | None:
    """What is fresh, by the best rung of the ladder; None if nothing is."""
    state = view.memory.services[service]
    wait, basis, until_s = view.wait(service)
    if not basis:
        return _guessed(view, service)
    limits = view.house.services[service].levels_minutes
    level = state.level if state.level_s + view.fresh.button_s > view.now_s else None
    if wait is not None:
        level = 1 + sum(wait.p50_s > 60.0 * limit for limit in limits)
    by_tickets, by_display = basis == "tickets", basis == "queue"
    return ServiceResult(
        at=view.now,
        observed_at=time_of(until_s - view.fresh.ticket_s),  # a beat says that nothing happened
        valid_until=time_of(until_s),
        state="open",
        level=level,
        waiting=_waiting(state, basis),
        called=state.tickets.called if by_tickets else state.display.called if by_display else None,
        counters_open=state.display.open if by_display else _open(view, service),
        wait=wait,
        basis=basis,
    )


def _waiting(state: ServiceState, basis: str) -> int | None:
    """How many wait, where somebody counts them; a belief of how many may be is no count."""
    if basis == "tickets":
        return len(state.tickets.waiting)
    return state.display.waiting if basis == "queue" else None


def _guessed(view: View, service: str) -> ServiceResult | None:
    """Only how busy it is: as staff said, or as full as the zone is where its people wait."""
    state = view.memory.services[service]
    seen_s, until_s = state.level_s, state.level_s + view.fresh.button_s
    level, basis = state.level, "staff"
    if level is None or until_s <= view.now_s:
        zones = [z for z in view.house.site.zones if service in z.services]
        zone = next((z for z in zones if view.zone_until_s(z.id) > view.now_s), None)
        if zone is None:
            return None
        counted = view.memory.zones[zone.id]
        seen_s, until_s = counted.seen_s or 0.0, view.zone_until_s(zone.id)
        level, basis = level_of(counted.people, zone.capacity), "camera"
    return ServiceResult(
        at=view.now,
        observed_at=time_of(seen_s),
        valid_until=time_of(until_s),
        state="open",
        level=level,
        basis=basis,
    )


def _counters(view: View, service: str) -> list[tuple[Counter, Spans]]:
    """Counters of a service, each with when it is planned to be open today."""
    return [
        (
            view.memory.counters.get(c) or Counter(),
            view.plan.counters.get(c, view.plan.office),
        )
        for c in waits.counters_of(view.memory, view.house, service)
    ]


def _open(view: View, service: str) -> int:
    return sum(c.is_open(spans, view.now_s) for c, spans in _counters(view, service))


def _rest(view: View, service: str) -> Rest | None:
    """The pause that staff have said, while it lasts."""
    rest = view.memory.services[service].rest
    is_over = rest is None or (rest.until_s is not None and rest.until_s <= view.now_s)
    return None if is_over else rest


def _all_closed(view: View, service: str) -> bool:
    """All counters said that they are closed, though one at least should be open."""
    counters = _counters(view, service)
    planned = any(within(spans, view.now_s) for _, spans in counters)
    return planned and all(counter.open is False for counter, _ in counters)
