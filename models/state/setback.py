"""What becomes of a memory when the hub's clock was ahead and has been set right."""

import msgspec

from models.state import notices
from models.state.beats import Beats
from models.state.memory import Memory, Said, ServiceState

STEP_S = 5.0
"""A clock that goes back by less is only being kept right."""


def forget_after(memory: Memory, now_s: float) -> None:
    """Whatever is dated later than now is of unknown age: it counts as not seen.

    What waits, serves or feeds still does; it is dated now, so that what comes next is not taken
    for something late.
    """
    _beats(memory.beats, now_s)
    for zone in memory.zones.values():
        zone.forget_after(now_s)
    for lot in memory.lots.values():
        lot.pulse_s, lot.camera_s = _seen(lot.pulse_s, now_s), _seen(lot.camera_s, now_s)
        lot.set_s = _seen(lot.set_s, now_s)
        lot.look = None if lot.look is None or lot.look.at_s > now_s else lot.look
    for service in memory.services.values():
        _service(service, now_s)
    for counter in memory.counters.values():
        counter.called_s = min(counter.called_s, now_s)
        counter.changed_s = min(counter.changed_s, now_s)
        if counter.busy is not None and counter.busy.called_s > now_s:
            counter.busy = msgspec.structs.replace(counter.busy, called_s=now_s)
    for crowd in memory.crowds.values():
        if crowd.at_s > now_s:
            crowd.belief = None
    notices.forget_after(memory, now_s)
    memory.calls = [call for call in memory.calls if call.at.timestamp() <= now_s]
    memory.missed = [call for call in memory.missed if call.at.timestamp() <= now_s]
    memory.now_s = now_s


def _beats(beats: Beats, now_s: float) -> None:
    beats.heard = {device: at_s for device, at_s in beats.heard.items() if at_s <= now_s}
    for devices in beats.feeds.values():
        for device, at_s in devices.items():
            devices[device] = min(at_s, now_s)


def _service(service: ServiceState, now_s: float) -> None:
    tickets, display, book = service.tickets, service.display, service.book
    book.days = {key: day for key, day in book.days.items() if day.told_s <= now_s}
    display.seen_s = _seen(display.seen_s, now_s)
    if service.level_s > now_s:
        service.level, service.level_s, service.before = None, 0.0, Said()
    if service.rest_s > now_s:
        service.rest, service.rest_s = None, 0.0
    if tickets.called_s > now_s:
        tickets.called, tickets.called_s = None, now_s
    for ticket in tickets.waiting.values():
        ticket.issued_s = min(ticket.issued_s, now_s)
        ticket.left_s = min(ticket.left_s, now_s)


def _seen(at_s: float | None, now_s: float) -> float | None:
    return None if at_s is None or at_s > now_s else at_s
