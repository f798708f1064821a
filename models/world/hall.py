"""Counters, clerks and queues: who is called when, by which counter."""

import heapq
from collections import deque
from collections.abc import Iterable

from models.contract.observations import Counter, Ticket, TicketEvent
from models.world.today import Row, Today
from models.world.visitors import Visitor

_FREE, _OPEN, _TAKE, _DUE, _CLOSE = range(5)
"""What happens at one millisecond, in this order."""


class Hall:
    """A day of the counters. A free one calls whoever, of its services, has waited longest.

    Those whose reservation is due come before them.
    """

    def __init__(self, today: Today, visitors: Iterable[Visitor]) -> None:
        """Plan the day; `visitors` are in the order of their tickets."""
        self._length_ms = today.length_ms
        self._absent_ms = round(today.params.absent_s * 1000)
        self._visitors = list(visitors)
        self._counters = {s.id: s.counters for s in today.services}
        self._services = {
            c: [s.id for s in today.services if c in s.counters] for c in today.shifts
        }
        self._stays = _last_ones(today)
        self._waiting: dict[str, deque[int]] = {s.id: deque() for s in today.services}
        self._due: dict[str, deque[int]] = {s.id: deque() for s in today.services}
        self._idle: list[str] = []  # who has been free for longest comes first
        self._serves: dict[str, Visitor] = {}
        self._open: set[str] = set()
        self._late: set[str] = set()  # open after their plan, until nobody waits
        self._rows: list[Row] = []
        self._agenda: list[tuple[int, int, int, str]] = [
            (v.issued_ms, _TAKE, i, "") for i, v in enumerate(self._visitors)
        ]
        for i, (counter, spans) in enumerate(today.shifts.items()):
            for start, end in spans:
                self._agenda += [(start, _OPEN, i, counter), (end, _CLOSE, i, counter)]
        self._ends = {counter: spans[-1][1] for counter, spans in today.shifts.items()}
        heapq.heapify(self._agenda)

    def work(self) -> list[Row]:
        """Let the day pass: fills in the visitors, and tells what was seen in causal order."""
        acts = {_FREE: self._free, _OPEN: self._start, _CLOSE: self._end}
        while self._agenda:
            now, what, i, counter = heapq.heappop(self._agenda)
            if now >= self._length_ms:
                break
            if what == _TAKE:
                self._take(now, i)
            elif what == _DUE:
                self._waits(now, i, self._due)
            else:
                acts[what](now, counter)
        return self._rows

    def _take(self, now: int, i: int) -> None:
        visitor = self._visitors[i]
        self._tell(now, visitor, "issued")
        if visitor.due_ms is None:
            self._waits(now, i, self._waiting)
        else:
            heapq.heappush(self._agenda, (max(now, visitor.due_ms), _DUE, i, ""))

    def _waits(self, now: int, i: int, among: dict[str, deque[int]]) -> None:
        visitor = self._visitors[i]
        among[visitor.service].append(i)
        for counter in self._idle:
            if counter in self._counters[visitor.service]:
                self._idle.remove(counter)
                self._call(now, counter)
                break

    def _start(self, now: int, counter: str) -> None:
        self._open.add(counter)
        self._rows.append(Row(now, counter, Counter(open=True)))
        if counter not in self._serves:  # else she still serves somebody from before the break
            self._call(now, counter)

    def _end(self, now: int, counter: str) -> None:
        if (
            now == self._ends[counter]
            and counter in self._stays
            and self._next(counter) is not None
        ):
            self._late.add(counter)
        else:
            self._close(now, counter)

    def _close(self, now: int, counter: str) -> None:
        self._open.discard(counter)
        if counter in self._idle:
            self._idle.remove(counter)
        self._rows.append(Row(now, counter, Counter(open=False)))

    def _free(self, now: int, counter: str) -> None:
        visitor = self._serves.pop(counter)
        if visitor.left_ms is None:
            visitor.served_ms = now
            self._tell(now, visitor, "served")
        else:
            self._tell(now, visitor, "absent")
        if counter in self._open:
            self._call(now, counter)

    def _call(self, now: int, counter: str) -> None:
        i = self._next(counter)
        if i is None:
            if counter in self._late:
                self._close(now, counter)
            else:
                self._idle.append(counter)
            return
        visitor = self._visitors[i]
        among = self._waiting if visitor.due_ms is None else self._due
        among[visitor.service].popleft()
        visitor.called_ms, visitor.counter = now, counter
        self._tell(now, visitor, "called")
        self._serves[counter] = visitor
        lasts = visitor.service_ms if visitor.left_ms is None else self._absent_ms
        heapq.heappush(self._agenda, (now + lasts, _FREE, 0, counter))

    def _next(self, counter: str) -> int | None:
        """Who, of those whom this counter may serve, is due, or has waited longest."""
        for among in (self._due, self._waiting):
            heads = [among[service][0] for service in self._services[counter] if among[service]]
            if heads:
                return min(heads)
        return None

    def _tell(self, now: int, visitor: Visitor, event: TicketEvent) -> None:
        reading = Ticket(number=visitor.number, event=event, counter=visitor.counter)
        self._rows.append(Row(now, visitor.service, reading))


def _last_ones(today: Today) -> set[str]:
    """The counters that are planned to the end of one of their services' day."""
    last: set[str] = set()
    for service in today.services:
        ends = {c: today.shifts[c][-1][1] for c in service.counters if c in today.shifts}
        last |= {c for c, end in ends.items() if end == max(ends.values())}
    return last
