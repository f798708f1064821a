"""Which ticket its holder means, and what is heard of it: it waits, or it was called."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from models.contract import codec
from models.contract.ids import Count, Id, Time
from models.contract.results import Call, CallsResult, LineResult, LineTicket, Spread
from signage.mirror import Mirror

LONGEST = 64
"""Signs of a number; what is longer is none."""
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_UNREAD = "番号ー"  # A107番; a long vowel is typed for a hyphen


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One of which something is heard, by `source`: it waits, or it is among the last called.

    `is_over`: its counter has called another since.
    """

    service: str
    number: str
    source: LineResult | CallsResult
    waiting: LineTicket | None = None
    call: Call | None = None
    is_over: bool = False


class TicketDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket; what is unknown of it is null. `wait` is how much longer, in seconds.

    Where several services have such a number, `services` names them: ask again with one of them.
    """

    number: str
    service: Id | None = None
    state: Literal["waiting", "called", "unknown"] = "unknown"
    ahead: Count | None = None
    wait: Spread | None = None
    called_at: Time | None = None
    counter: Id | None = None
    at: Time | None = None
    observed_at: Time | None = None
    valid_until: Time | None = None
    services: tuple[Id, ...] = ()


def tickets(mirror: Mirror) -> Iterator[Ticket]:
    """All that are heard of, however old, each once: if it waits it is not yet called."""
    heard: set[tuple[str, str]] = set()
    for ticket in (*_waiting(mirror), *_called(mirror)):
        if (ticket.service, ticket.number) not in heard:
            heard.add((ticket.service, ticket.number))
            yield ticket


def meant(known: Iterable[Ticket], said: str) -> tuple[Sequence[Ticket], bool]:
    """The tickets that somebody may mean who typed this, and whether it can be no other.

    Full width is as good as half, small as capital letters; spaces and hyphens do not count, nor do
    leading zeros unless they tell two apart. By digits alone one is only supposed.
    """
    wanted, known = read(said), list(known)
    if not wanted:
        return [], True
    for alike, same in ((read, wanted), (bare, bare(said))):
        if found := [ticket for ticket in known if alike(ticket.number) == same]:
            return found, True
    if not wanted.isdecimal():
        return [], True
    same = bare(said)
    return [ticket for ticket in known if _digits(ticket.number) == same], False


def read(number: str) -> str:
    """A number as it is compared.

    >>> read("ａ－１０７ 番")
    'A107'
    """
    folded = unicodedata.normalize("NFKC", number[:LONGEST]).upper()
    return "".join(sign for sign in folded if sign.isalnum() and sign not in _UNREAD)


def bare(number: str) -> str:
    """The same without leading zeros.

    >>> bare("a 007"), bare("000")
    ('A7', '0')
    """
    return _ZEROS.sub("", read(number))


def document(mirror: Mirror, said: str, service: str | None, now: datetime) -> TicketDocument:
    """What the feed says of a ticket; nothing that has run out."""
    known = [t for t in tickets(mirror) if service in {None, t.service}]
    found, is_sure = meant(known, said)
    if len(found) != 1 or not is_sure:
        services = tuple(dict.fromkeys(ticket.service for ticket in found))
        return TicketDocument(number=said, services=services)
    (ticket,) = found
    source, waiting, call = ticket.source, ticket.waiting, ticket.call
    told = TicketDocument(
        number=ticket.number,
        service=ticket.service,
        at=source.at,
        observed_at=source.observed_at,
        valid_until=source.valid_until,
    )
    if now >= source.valid_until:
        return told
    if waiting is not None:
        return msgspec.structs.replace(
            told, state="waiting", ahead=waiting.ahead, wait=waiting.wait
        )
    return msgspec.structs.replace(
        told, state="called", called_at=call and call.at, counter=call and call.counter
    )


def render(mirror: Mirror, said: str, service: str | None, now: datetime) -> bytes:
    """The same as JSON."""
    return msgspec.json.encode(codec.plain(document(mirror, said, service, now)))


def _waiting(mirror: Mirror) -> Iterator[Ticket]:
    for service in mirror.site.services:
        line = mirror.line(service.id)
        if line is not None:
            for ticket in line.tickets:
                yield Ticket(service=service.id, number=ticket.number, source=line, waiting=ticket)


def _called(mirror: Mirror) -> Iterator[Ticket]:
    """The newest first."""
    calls = mirror.calls()
    if calls is not None:
        for n, call in enumerate(calls.calls):
            yield Ticket(
                service=call.service,
                number=call.number,
                source=calls,
                call=call,
                is_over=any(_same_place(call, later) for later in calls.calls[:n]),
            )


def _digits(number: str) -> str:
    return bare("".join(sign for sign in read(number) if sign.isdecimal()))


def _same_place(call: Call, later: Call) -> bool:
    """Whether the later call is of the same counter; of the same service where none is named."""
    if call.counter is None:
        return later.service == call.service
    return later.counter == call.counter
