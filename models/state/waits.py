"""From the memory to an estimator's view of the line, and from its answer to a told wait."""

import math
from collections.abc import Iterator

from models.contract.results import Spread
from models.state.bookings import Book
from models.state.counters import Counter
from models.state.house import House
from models.state.memory import Memory
from models.wait import estimator
from models.wait.draws import spread_of_runs
from models.wait.durations import Floats
from models.wait.line import Desk, Line, Person
from models.wait.monte_carlo import play

_MOST_EXPECTED = 200  # people with a reservation; who comes after them waits for hours

Holder = tuple[str, str | None]
"""Service and number of a ticket; without a number who takes one now."""


def told(memory: Memory, house: House, service: str, number: str, now_s: float) -> Spread | None:
    """How much longer a ticket waits, before it is held against what came.

    Args:
        memory: of today.
        house: the site.
        service: for what.
        number: of the ticket.
        now_s: now, seconds since 1970.

    Returns:
        None while nobody can know: events are missing, the ticket does not wait, no counter opens.
    """
    tickets = memory.services[service].tickets
    waiting = tickets.waiting.get(number)
    if tickets.blind_s is not None or waiting is None:
        return None
    if waiting.due_s is not None and not house.calls_booked_first(service):
        return None  # a counter calls them of which nothing is known
    if _books(memory, house, house.group[service]):  # who came later may be called before
        runs = played(memory, house, service, now_s).get((service, number))
        return None if runs is None else spread_of_runs(runs)
    spread: Spread | None = estimator("tickets")(line(memory, house, service, number, now_s))
    return spread


def shown(memory: Memory, house: House, service: str, *, counted: bool) -> Spread | None:
    """What a polled display says.

    Args:
        memory: of today.
        house: the site.
        service: for what.
        counted: whether who asks is already among those that wait.
    """
    display = memory.services[service].display
    if display.seen_s is None:
        return None
    calls = max(display.waiting + (not counted), 0)
    service_s = house.services[service].service_minutes * 60.0
    return display.told(calls, memory.day_s, service_s)


def played(memory: Memory, house: House, service: str, now_s: float) -> dict[Holder, Floats]:
    """What `told` is made of, for everybody in a line and for who takes a ticket now: one run.

    Args:
        memory: of today.
        house: the site.
        service: for what; all services that share counters with it are one line.
        now_s: now, seconds since 1970.

    Returns:
        (RUNS,) float64 each: seconds until they are called, inf for never.
    """
    group = house.group[service]
    people = _people(memory, house, group, math.inf, now_s)
    people += [((member, None), Person(member, now_s, asks=True)) for member in group]
    people.sort(key=lambda one: one[1].issued_s)
    line = _line(memory, house, group, [person for _, person in people], now_s)
    return dict(zip([holder for holder, _ in people], play(line), strict=True))


def line(memory: Memory, house: House, service: str, number: str, now_s: float) -> Line:
    """Everybody who is called before `number`, and all the counters that they share."""
    group = house.group[service]
    own_s = memory.services[service].tickets.waiting[number].issued_s
    people = _people(memory, house, group, own_s, now_s)
    last = [holder for holder, _ in people].index((service, number))
    return _line(memory, house, group, [person for _, person in people[: last + 1]], now_s)


def _people(
    memory: Memory, house: House, group: tuple[str, ...], until_s: float, now_s: float
) -> list[tuple[Holder, Person]]:
    """Who has a ticket that was issued by then, in the order in which they are called."""
    people: list[tuple[Holder, Person]] = []
    for member in group:
        state = memory.services[member]
        for number, waiting in state.tickets.waiting.items():
            if waiting.issued_s > until_s:
                break
            if waiting.due_s is not None and not house.calls_booked_first(member):
                continue  # a counter of their own calls them
            left = waiting.left_by(now_s, state.learnt.noshow, memory.exits.told)
            person = Person(member, waiting.issued_s, left, due_s=waiting.due_s)
            people.append(((member, number), person))
    people.sort(key=lambda one: one[1].issued_s)
    return people


def _line(
    memory: Memory, house: House, group: tuple[str, ...], people: list[Person], now_s: float
) -> Line:
    factor, factor_sd = memory.speed.belief(_running(memory, now_s))
    return Line(
        now_s=now_s,
        desks=_desks(memory, house, group, now_s),
        people=tuple(people),
        learnt={member: memory.services[member].learnt for member in group},
        factor=factor,
        factor_sd=factor_sd,
        expected=_expected(memory, house, group, now_s),
    )


def _expected(
    memory: Memory, house: House, group: tuple[str, ...], now_s: float
) -> tuple[Person, ...]:
    """Those with a reservation for today who are not yet here and will be called first."""
    found, day = [], house.plans.at(now_s).day
    for member, book in _books(memory, house, group):
        for at_s, people in book.ahead(day, now_s, house.site.freshness.bookings_s):
            for n in range(people):
                # a millisecond apart, for each has draws of their own
                person = Person(member, at_s + n / 1000.0, due_s=at_s, shows=book.share())
                found.append(person)
    return tuple(sorted(found, key=lambda person: person.issued_s)[:_MOST_EXPECTED])


def _books(memory: Memory, house: House, group: tuple[str, ...]) -> list[tuple[str, Book]]:
    """The books of those who go before all others at these counters."""
    return [
        (member, memory.services[member].book)
        for member in group
        if house.calls_booked_first(member) and memory.services[member].book.days
    ]


def _running(memory: Memory, now_s: float) -> Iterator[tuple[float, float]]:
    """Score and sd of the services that go on; who was just called may not have come."""
    for counter in memory.counters.values():
        busy = counter.busy
        if busy is not None and busy.service in memory.services:
            learnt = memory.services[busy.service].learnt
            if now_s - busy.called_s > 2.0 * learnt.absent_s:
                yield learnt.durations.score(now_s - busy.called_s)


def counters_of(memory: Memory, house: House, service: str) -> tuple[str, ...]:
    """The counters of a service: those declared, else those that called for it today."""
    declared = house.services[service].counters
    return declared or tuple(memory.services[service].seen_counters) or (service,)


def _desks(memory: Memory, house: House, group: tuple[str, ...], now_s: float) -> tuple[Desk, ...]:
    plan = house.plans.at(now_s)
    close_s = plan.office[-1][1] if plan.office else now_s
    services: dict[str, list[str]] = {}
    for member in group:
        for name in counters_of(memory, house, member):
            services.setdefault(name, []).append(member)
    desks = []
    for name, served in services.items():
        counter = memory.counters.get(name) or Counter()
        spans = plan.counters.get(name, plan.office)
        desks.append(
            Desk(
                services=tuple(served),
                busy=counter.busy,
                closures=counter.closures(spans, close_s, now_s, memory.breaks),
            )
        )
    return tuple(desks)
