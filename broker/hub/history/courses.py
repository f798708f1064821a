"""How far what is kept has been sent to another server, and what of it is sent again.

A server may forget what it has acknowledged (VictoriaMetrics: what came in the 12 s before it was
killed), and a restart between two requests is seen by nobody. So everything goes twice: as it
comes, and again when the server has had it for a minute. When no request has failed for half a
minute after that it is settled, and only that is remembered on our disk. When one has failed, or
the server has let go of the connection, all that is not settled goes once more. A point is the same
each time: it costs nothing but the way.

So nothing is lost however often a server is killed if we notice, nor if it is killed once more and
we do not. What is lost by two that nobody notices is what came just before one, and went again just
before the other.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import msgspec

from broker.hub.history.points import (
    FIELDS,
    SCORED,
    WINDOW,
    Row,
    Stamps,
    Told,
    scored_lines,
    seen_line,
    told_lines,
)

AGAIN_S = 60.0
"""After so long it is sent again, ..."""
CALM_S = 30.0
"""... and after so long without a failure it is settled. More than what a server may forget."""

_ROWS = 2000  # of a page
_BYTES = 2**20
_DAY_SLOTS = 288

_ROW = f"""
SELECT journal.id, device, kind, journal.name, journal.at_ms,
    CASE WHEN refused IS NULL AND kind IN ({", ".join(f"'{kind}'" for kind in FIELDS)})
    THEN payload END
FROM journal JOIN stream ON stream.id = journal.stream
WHERE journal.id > ? AND journal.id <= ? ORDER BY journal.id
"""  # noqa: S608  our own words
_MARK = """
SELECT device || '/' || stream.name || '/' || journal.seq
FROM journal JOIN stream ON stream.id = journal.stream WHERE journal.id = ?
"""
_TOLD = "series WHERE kind IN ('lot', 'service', 'zone')"
_NEXT = f"SELECT min((SELECT min(slot) FROM cell WHERE series = id AND slot > ?)) FROM {_TOLD}"  # noqa: S608
_LAST = f"""
SELECT max((SELECT max(slot) FROM cell WHERE series = id)) FROM {_TOLD} AND measure = 'open'
"""  # noqa: S608  by the hub's clock alone
_CELLS = f"""
SELECT slot, kind, name, measure, count, sum FROM (SELECT * FROM {_TOLD})
JOIN cell ON series = id AND slot = ? ORDER BY kind, name, measure
"""  # noqa: S608

Send = Callable[[Sequence[str]], int]
"""Has points written, and says how many of them the server will never take."""


class Place(msgspec.Struct, frozen=True):
    """How far something has come.

    `mark` names the row there: another one has its number if an older file was put back.
    `missing` rows had been forgotten here before they were sent, `refused` points the server
    would not take.
    """

    at: int = 0
    mark: str = ""
    missing: int = 0
    refused: int = 0


class Page(msgspec.Struct, frozen=True):
    """Points of the rows up to one; `missing` rows among them are not there any more."""

    upto: int
    lines: Sequence[str] = ()
    missing: int = 0


class Table(ABC):
    """What is sent of a journal, in an order in which nothing comes later between. Only reads."""

    def __init__(self, db: sqlite3.Connection, site: str) -> None:
        self._db, self._site = db, site

    @abstractmethod
    def newest(self) -> int:
        """Up to where there is something to send."""

    @abstractmethod
    def page(self, after: int, upto: int) -> Page:
        """What comes next, a bounded part of it. No read transaction outlives it."""

    @abstractmethod
    def mark(self, at: int) -> str:
        """What is there, in other words than by its number; empty if it is gone."""

    @abstractmethod
    def begin(self, place: Place) -> Place:
        """Where to go on, by what was settled when we ended."""

    def _rows(self, sql: str, *values: int) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()


class Seen(Table):
    """The journal itself: every observation that has a number."""

    def __init__(self, db: sqlite3.Connection, site: str) -> None:
        super().__init__(db, site)
        self._stamps, self._stamped = Stamps(), 0

    def newest(self) -> int:
        """The newest row."""
        return int(self._rows("SELECT max(id) FROM journal")[0][0] or 0)

    def page(self, after: int, upto: int) -> Page:
        """See `Table`."""
        if after != self._stamped:
            self._stamps = Stamps()
            for row in self._between(after - 2 * WINDOW, after):
                seen_line(self._site, row, self._stamps)
        lines, count, size, last = [], 0, 0, upto
        for row in self._between(after, upto):
            if count == _ROWS or size > _BYTES:
                last = row.id - 1
                break
            count, size = count + 1, size + len(row.payload or b"")
            line = seen_line(self._site, row, self._stamps)
            if line is not None:
                lines.append(line)
        self._stamped = last
        return Page(last, lines, last - after - count)

    def mark(self, at: int) -> str:
        """Whose it is."""
        return "".join(mark for (mark,) in self._rows(_MARK, at))

    def begin(self, place: Place) -> Place:
        """At the first row that there is, if none was ever sent of this very file."""
        mark = self.mark(place.at)
        if place.at and place.at <= self.newest() and mark in ("", place.mark):
            return place
        ((first,),) = self._rows("SELECT min(id) FROM journal")
        return Place((first or 1) - 1, "", place.missing, place.refused)

    def lag(self, after: int) -> tuple[int, int | None]:
        """How many rows are behind one, and when the first of them was received."""
        rows = self._rows("SELECT received_ms FROM journal WHERE id > ? ORDER BY id LIMIT 1", after)
        return max(0, self.newest() - after), rows[0][0] if rows else None

    def _between(self, after: int, upto: int) -> Iterator[Row]:
        with closing(self._db.execute(_ROW, (after, upto))) as cursor:
            for row in cursor:
                yield Row(*row)


class ToldSlots(Table):
    """What the office told, by slots of five minutes; each is written once, as a whole."""

    later = 0
    """A slot goes when one so many later is there."""

    def newest(self) -> int:
        """The newest slot that may go."""
        return max(0, int(self._rows(_LAST)[0][0] or 0) - self.later)

    def page(self, after: int, upto: int) -> Page:
        """See `Table`."""
        lines: list[str] = []
        while after < upto and len(lines) < _ROWS:
            ((slot,),) = self._rows(_NEXT, after)
            if slot is None or slot > upto:
                return Page(upto, lines)
            lines += self.lines(self._rows(_CELLS, slot))
            after = slot
        return Page(after, lines)

    def lines(self, cells: Iterable[Told]) -> Iterator[str]:
        """The points of a slot."""
        return told_lines(self._site, (cell for cell in cells if cell[3] not in SCORED))

    def mark(self, at: int) -> str:
        """A slot is a time: no other one has its number."""
        return str(at)

    def begin(self, place: Place) -> Place:
        """Where it ended, or before: an older file may have been put back."""
        return msgspec.structs.replace(place, at=min(place.at, self.newest()))


class ScoredSlots(ToldSlots):
    """How true told waits were, a day later: tickets may be reported late."""

    later = _DAY_SLOTS

    def lines(self, cells: Iterable[Told]) -> Iterator[str]:
        """The points of a slot."""
        return scored_lines(self._site, (cell for cell in cells if cell[3] in SCORED))


class Course:
    """One table on its way.

    Args:
        table: makes the table; there are two, as it is read in two places.
        settled: where it had come to.
        monotonic: a clock, in seconds.
    """

    def __init__(
        self, table: Callable[[], Table], settled: Place, monotonic: Callable[[], float]
    ) -> None:
        self._first, self._second = table(), table()
        self._monotonic = monotonic
        self.settled = self._first.begin(settled)
        self.reached = self.settled.at
        self._at = self.settled.at  # the first way; after a failure behind `reached`
        self._again = self.settled
        self._reached: deque[tuple[float, int]] = deque()
        self._old = 0  # the server has had it for a minute up to there
        self._resent: deque[tuple[float, Place]] = deque()
        self._failed_s = monotonic() - CALM_S
        self._failures = 0
        self._proof: Sequence[str] = ()

    def step(self, send: Send) -> bool:
        """Send a page and, if it is time, one again; whether there is more to do at once.

        Raises:
            Unavailable: the server has not taken it; call `failed` if it may have lost more.
            sqlite3.Error: the file cannot be read.
        """
        newest, is_sent = self._first.newest(), False
        if newest > self._at:
            page = self._first.page(self._at, newest)
            if self._refused(send, page.lines) is None:
                return True
            is_sent, self._at = bool(page.lines), page.upto
            if self._at > self.reached:
                self.reached = self._at
                self._reached.append((self._monotonic(), self._at))
        due = min(self._due(), self._at)
        if due > self._again.at:
            if not self._resend(send, due):
                return True
        elif not self._resent and self.settled.at < self._again.at <= self._at:
            self._resent.append((self._monotonic(), self._again))  # it went after a failure
        self._settle(send, is_sent=is_sent)
        return self._at < newest or self._again.at < due

    def failed(self) -> None:
        """The server may have lost what it took last: begin where it is settled."""
        self._at = self.settled.at
        self._resent.clear()
        self._failed_s = self._monotonic()
        self._failures += 1

    def _refused(self, send: Send, lines: Sequence[str]) -> int | None:
        """Send them; None if `failed` was called meanwhile."""
        failures = self._failures
        refused = send(lines)
        return refused if failures == self._failures else None

    def _due(self) -> int:
        """Up to where it is to be sent again now."""
        now_s = self._monotonic()
        while self._reached and self._reached[0][0] <= now_s - AGAIN_S:
            self._old = self._reached.popleft()[1]
        return self._old if now_s - self._failed_s >= CALM_S else 0

    def _resend(self, send: Send, upto: int) -> bool:
        page = self._second.page(self._again.at, upto)
        refused = self._refused(send, page.lines)
        if refused is None:
            return False
        self._again = Place(
            page.upto,
            self._second.mark(page.upto),
            self._again.missing + page.missing,
            self._again.refused + refused,
        )
        self._resent.append((self._monotonic(), self._again))
        self._proof = page.lines[-1:] or self._proof
        return True

    def _settle(self, send: Send, *, is_sent: bool) -> None:
        """Settle what is calm, once a request has shown that the server is still the same."""
        calm_s = self._monotonic() - CALM_S
        if not self._resent or self._resent[0][0] > calm_s:
            return
        if not is_sent and self._refused(send, self._proof) is None:
            return
        while self._resent and self._resent[0][0] <= calm_s:
            self.settled = self._resent.popleft()[1]

    @property
    def lost(self) -> tuple[int, int]:
        """Rows that were forgotten before they were sent, and points that were refused."""
        return self._again.missing, self._again.refused
