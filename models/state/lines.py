"""What is published of a line: who waits with a ticket, in the order of calling, and how long."""

import math

from models.contract.results import LineResult, LineTicket
from models.state.plan import within
from models.state.view import View, time_of

_MOST = 300  # tickets of one line that are told; the last of more waits for days


def line_result(view: View, service: str) -> LineResult | None:
    """Those who hold a ticket, after closing too until the last is called.

    None where nobody knows who waits, and while a closed service has nobody.
    """
    if not view.knows_line(service):
        return None
    waiting = view.memory.services[service].tickets.waiting
    spans = view.plan.services[service]
    if not waiting and not within(spans, view.now_s):
        return None
    waits = [(number, view.told(service, number)) for number in waiting]
    if any(ticket.due_s is not None for ticket in waiting.values()):  # they go first in their turn
        waits.sort(key=lambda one: math.inf if one[1] is None else one[1].p50_s)
    until_s = view.tickets_until_s(service)
    ends_s = view.plan.end_s if waiting else view.plan.edge_after(spans, view.now_s)
    return LineResult(
        at=view.now,
        observed_at=time_of(until_s - view.fresh.ticket_s),
        valid_until=time_of(min(until_s, ends_s)),
        tickets=tuple(
            LineTicket(number=number, ahead=ahead, wait=wait)
            for ahead, (number, wait) in zip(range(_MOST), waits, strict=False)
        ),
    )
