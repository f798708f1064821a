"""When the holder of a ticket is told: the turn is near, it is now, it has passed. Each once.

What can be known of a ticket is what the hub tells to everybody: the tickets that wait, and the
last ten calls. Who was served and who did not come is not told: the counter's pace must tell.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from models.contract.results import Call, CallsResult, LineResult, LineTicket, Spread

What = Literal["near", "now", "passed"]

NEAR_AHEAD = 4
"""With so few before it a ticket is near whatever the clock says: calls come in twos."""
LATE_AHEAD = 3
"""With fewer before it there is no time for a notice: its holder should stay where they are."""
NOW_S = 600.0
"""A call that is older is no longer told as being now: this process was away."""
PASSED_S = 120.0
"""After so long it is decided whether a called ticket was passed over."""
SHORTEST_S = 60.0
"""Whoever gives up on a number gives it about so long at least."""
GONE_S = 30.0
"""The line and the calls are told one after the other, never so far apart."""
_CALLS = 10  # the hub tells no more of them


class Place(msgspec.Struct, frozen=True):
    """Where a ticket stood in the line, and when that was so."""

    at: datetime
    ahead: int
    wait: Spread | None = None
    until: datetime | None = None  # when it must disappear


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket whose holder is to be told, and all that is known of it."""

    service: str
    number: str  # as the line tells it
    walk_s: float  # how long its holder needs to come back
    since: datetime  # calls up to then are of another ticket with this number
    seen_at: datetime  # when it was last known to wait
    told: frozenset[What] = frozenset()
    place: Place | None = None
    gone_at: datetime | None = None
    call: Call | None = None
    next_at: datetime | None = None  # when its counter called another
    is_over: bool = False


def step(
    hold: Hold,
    line: LineResult | None,
    calls: CallsResult | None,
    now: datetime,
    service_s: float,
) -> tuple[Hold, What | None]:
    """What is known of a ticket now, and what its holder must be told.

    Args:
        hold: as it was known before.
        line: of its service, however old; None if nothing was ever told.
        calls: the last ten of all services, newest first.
        now: the moment.
        service_s: how long its service usually takes, in seconds.
    """
    if hold.is_over:
        return hold, None
    called = () if calls is None else calls.calls
    call = hold.call or own_call(hold, called)
    if call is not None:
        return _called(_with_next(hold, call, called), call, now, service_s)
    if line is None:  # there is no line: the service has closed, or this process has just begun
        return hold, None
    ticket = ticket_of(line, hold.number)
    if ticket is not None:
        place = Place(line.at, ticket.ahead, ticket.wait, line.valid_until)
        hold = msgspec.structs.replace(hold, place=place, seen_at=line.at, gone_at=None)
    elif now < line.valid_until:
        return _gone(hold, called, now)
    if hold.place is not None and "near" not in hold.told and is_near(hold.place, now, hold.walk_s):
        return _told(hold, "near"), "near"
    return hold, None


def is_near(place: Place, now: datetime, walk_s: float) -> bool:
    """Whether its holder should come back now.

    A line that is no longer told goes on being called: what was known runs down by the clock, so
    that nobody waits for a notice from an office that has lost its network.
    """
    if place.ahead <= NEAR_AHEAD:
        return True
    wait = place.wait
    return wait is not None and wait.p10_s - (now - place.at).total_seconds() <= walk_s


def ticket_of(line: LineResult | None, number: str) -> LineTicket | None:
    """The ticket of this number, if it waits."""
    tickets = () if line is None else line.tickets
    return next((ticket for ticket in tickets if ticket.number == number), None)


def own_call(hold: Hold, calls: Sequence[Call]) -> Call | None:
    """The call of this ticket, not of an earlier one with the same number."""
    return next(
        (
            call
            for call in calls
            if (call.number, call.service) == (hold.number, hold.service) and call.at > hold.since
        ),
        None,
    )


def was_passed(call: Call, next_at: datetime | None, service_s: float) -> bool:
    """Whether a counter went on too soon for the holder of a ticket to have been served there.

    Too soon is a quarter of the usual time of the service, but one minute at least and two at most.
    Of a call without a counter nobody can say.
    """
    if next_at is None:
        return False
    limit_s = min(max(service_s / 4, SHORTEST_S), PASSED_S)
    return (next_at - call.at).total_seconds() <= limit_s


def _with_next(hold: Hold, call: Call, calls: Sequence[Call]) -> Hold:
    later = [
        other.at
        for other in calls
        if call.counter is not None and other.counter == call.counter and other.at > call.at
    ]
    next_at = min(later) if hold.next_at is None and later else hold.next_at
    return msgspec.structs.replace(hold, call=call, next_at=next_at)


def _called(hold: Hold, call: Call, now: datetime, service_s: float) -> tuple[Hold, What | None]:
    """After the call: said at once, and two minutes later it is over, passed or not."""
    age = now - call.at
    if "now" not in hold.told and age < timedelta(seconds=NOW_S):
        return _told(hold, "now"), "now"
    if age < timedelta(seconds=PASSED_S):
        return hold, None
    return _end(hold, is_passed=was_passed(call, hold.next_at, service_s))


def _gone(hold: Hold, calls: Sequence[Call], now: datetime) -> tuple[Hold, What | None]:
    """It waits no more and nobody saw it called.

    If the calls reach back to when it was last seen, it was not called: its holder gave it back,
    and there is nothing to say. Else it may have been called while this process was away.
    """
    if hold.gone_at is None:
        return msgspec.structs.replace(hold, gone_at=now), None
    if (now - hold.gone_at).total_seconds() < GONE_S:
        return hold, None
    reach_back = len(calls) < _CALLS or calls[-1].at <= hold.seen_at
    return _end(hold, is_passed=not reach_back and "now" not in hold.told)


def _end(hold: Hold, *, is_passed: bool) -> tuple[Hold, What | None]:
    hold = msgspec.structs.replace(hold, is_over=True)
    if not is_passed or "passed" in hold.told:
        return hold, None
    return _told(hold, "passed"), "passed"


def _told(hold: Hold, what: What) -> Hold:
    return msgspec.structs.replace(hold, told=hold.told | {what})
