"""Reservations out of a CSV table, a JSON list or a calendar, as counts: who they are stays here.

Nothing that a row says of a person is put into a result, an error or a log: of each row its time is
taken, how many it stands for, whether it is cancelled, and for which service it is.
"""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

import msgspec

from models.contract.observations import BookedSlot, Bookings
from models.errors import BadPayload
from models.sensing import json_path
from models.sensing.ticket_lines import Encoding

MAX_BYTES = 4 * 1024 * 1024
"""What is larger is no book of a few weeks."""

MOST_SLOTS = 300
"""Times of one day at which anything begins, as in the contract."""

_MOST_ROWS = 50_000
_MOST_PEOPLE = 1000  # that one row can stand for
_BAD_SHARE = 0.1  # of the rows: if more cannot be read, what is left would be too few
_REIWA = 2018
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_DAY = re.compile(
    r"(?:(?:(?P<year>\d{4})|(?:令和|R\.?)\s?(?P<era>\d{1,2}|元))\s?[-/.年]\s?(?P<month>\d{1,2})"
    r"\s?[-/.月]\s?(?P<day>\d{1,2})日?|(?P<plain>\d{8})(?!\d))(?:\s?\([^()]{1,3}\))?"
)
_TIME = re.compile(
    r"(?P<half>午前|午後)?\s?(?P<hour>\d{1,2})(?:[:時]\s?(?P<minute>\d{1,2})?|(?P<bare>\d\d)(?!\d))"
)
_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)")

NO_TIME = "want a day and a time, got something else"
NO_COUNT = "want how many people, got something else"
ALL_DAY = "want a time, got an event of whole days"
RECURS = "want single reservations, got one that recurs"

Get = Callable[[str], str | None]
"""A row: what it says by the name of a column."""


class Row(NamedTuple):
    """One row; `at` is when it begins, where that needs no reading, or why it is refused."""

    get: Get
    at: datetime | str | None = None


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a table, or where each stands in the objects of a list."""

    date: str
    time: str | None = None
    count: str | None = None
    places: str | None = None
    cancelled: str | None = None
    cancelled_is: frozenset[str] = frozenset()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one service: those whose `column` says one of `words`, or all."""

    service: str
    column: str | None = None
    words: frozenset[str] = frozenset()


class Read(NamedTuple):
    """What a book says by service, one reading a day, and how often a row was refused for what."""

    days: dict[str, tuple[Bookings, ...]]
    refused: Counter[str]


def plain(text: str) -> str:
    """As two spellings of one word are compared.

    >>> plain(" ＣＡＮＣＥＬＬＥＤ ")
    'cancelled'
    """
    return unicodedata.normalize("NFKC", text).strip().casefold()


def csv_rows(body: bytes, encoding: Encoding, delimiter: str, columns: Iterable[str]) -> list[Row]:
    """The rows of a table whose first line names its columns.

    Raises:
        BadPayload: it is too large, no table, or lacks one of these columns.
    """
    text = checked(body).decode(encoding, "replace").removeprefix("\ufeff")
    rows: list[Row] = []
    try:
        lines = csv.reader(_LINE.findall(text), delimiter=delimiter, strict=True)
        head = [plain(name) for name in next(lines, [])]
        places = {name: _place(head, name) for name in columns}
        for cells in lines:
            if any(cell.strip() for cell in cells):
                rows.append(Row(_cells(cells, places)))
            if len(rows) > _MOST_ROWS:
                raise BadPayload(f"want at most {_MOST_ROWS} rows, got more")
    except csv.Error:
        raise BadPayload("want a table of commas, got something else") from None
    return rows


def json_rows(body: bytes, where: str, columns: Iterable[str]) -> list[Row]:
    """The elements of a list, `where` in a document; the document itself if that is empty.

    Raises:
        BadPayload: it is too large, no JSON, or no list of objects is there.
        BadSite: `where` or a column is no path.
    """
    steps = steps_of(where, "list") if where else ()
    paths = {name: steps_of(name, "columns") for name in columns}
    try:
        document = msgspec.json.decode(checked(body))
        found = json_path.at(document, steps)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if isinstance(error, BadPayload):
            raise
        raise BadPayload("want JSON, got something else") from None
    if not isinstance(found, list) or len(found) > _MOST_ROWS:
        raise BadPayload(f"want a list of at most {_MOST_ROWS} reservations, got something else")
    if not all(isinstance(one, dict) for one in found):
        raise BadPayload("want a list of objects, got something else")
    return [Row(_members(one, paths)) for one in found]


def steps_of(written: str, path: str) -> tuple[json_path.Step, ...]:
    """A JSON pointer if it begins with `/`, else a path.

    Raises:
        BadSite: it is neither.
    """
    return (
        json_path.pointer_of(written)
        if written.startswith("/")
        else json_path.steps_of(written, path)
    )


def counted(  # noqa: PLR0917  what is read, how, and for when
    rows: Sequence[Row],
    columns: Columns,
    wanted: Sequence[Wanted],
    zone: tzinfo,
    first: date,
    days: int,
) -> Read:
    """How many have a reservation, by service, day and minute.

    Args:
        rows: of one book.
        columns: what they mean.
        wanted: the services.
        zone: of the office; times that name none are in it.
        first: day that is told of.
        days: how many.

    Raises:
        BadPayload: too little can be read to be told.
    """
    refused: Counter[str] = Counter()
    told = {one.service: [_Day(first + timedelta(n)) for n in range(days)] for one in wanted}
    ours = usable = 0
    for row in rows:
        services = [one.service for one in wanted if _is_for(row, one)]
        if not services:
            continue
        ours += 1
        try:
            at = _begins(row, columns, zone)
            count, places = _number(row, columns.count), _number(row, columns.places)
        except BadPayload as error:
            refused[str(error)] += 1
            continue
        usable += 1
        ahead = (at.date() - first).days
        if not 0 <= ahead < days:
            continue
        is_cancelled = _is_cancelled(row, columns)
        people = 0 if is_cancelled else 1 if columns.count is None else count or 0
        for service in services:
            day = told[service][ahead]
            day.add(at.hour * 60 + at.minute, people, places, is_each=columns.count is None)
    bad = refused[NO_TIME] + refused[NO_COUNT]
    if bad > _BAD_SHARE * ours or (ours and not usable):
        raise BadPayload("want rows whose time can be read, got too few")
    if rows and not ours:
        raise BadPayload("want rows of these services, got others only")
    return Read({name: tuple(d.reading() for d in found) for name, found in told.items()}, refused)


class _Day:
    """One day of one service in the making: booked and places by minute."""

    def __init__(self, day: date) -> None:
        self._day = day
        self._slots: dict[int, tuple[int, int | None]] = {}

    def add(self, minute: int, people: int, places: int | None, *, is_each: bool) -> None:
        booked, before = self._slots.get(minute, (0, None))
        if places is not None and before is not None:
            places = max(places, before) if is_each else places + before
        if places is not None or people or minute in self._slots:
            self._slots[minute] = booked + people, before if places is None else places
        if len(self._slots) > MOST_SLOTS:
            raise BadPayload(f"want at most {MOST_SLOTS} times a day, got more")

    def reading(self) -> Bookings:
        return Bookings(
            day=self._day,
            slots=tuple(
                BookedSlot(minute=minute, booked=booked, places=places)
                for minute, (booked, places) in sorted(self._slots.items())
            ),
        )


def checked(body: bytes) -> bytes:
    """The same bytes.

    Raises:
        BadPayload: they are too many, or none.
    """
    if len(body) > MAX_BYTES:
        raise BadPayload(f"want at most {MAX_BYTES} bytes, got more")
    if not body.strip():
        raise BadPayload("want a book of reservations, got nothing")
    return body


def _place(head: list[str], name: str) -> int:
    try:
        return head.index(plain(name))
    except ValueError:
        raise BadPayload(f"want a column {name!r}, got none") from None


def _cells(cells: list[str], places: Mapping[str, int]) -> Get:
    return lambda name: cells[places[name]] if places[name] < len(cells) else None


def _members(one: dict[str, Any], paths: Mapping[str, tuple[json_path.Step, ...]]) -> Get:
    def get(name: str) -> str | None:
        found = json_path.at(one, paths[name])
        return str(found).lower() if isinstance(found, bool) else json_path.as_text(found)

    return get


def _is_for(row: Row, wanted: Wanted) -> bool:
    said = () if wanted.column is None else (row.get(wanted.column) or "").split("\n")
    return wanted.column is None or any(plain(one) in wanted.words for one in said)


def _is_cancelled(row: Row, columns: Columns) -> bool:
    return (
        columns.cancelled is not None
        and plain(row.get(columns.cancelled) or "") in columns.cancelled_is
    )


def _number(row: Row, column: str | None) -> int | None:
    """How many; None where no column says it, or a place is left empty."""
    text = plain(row.get(column) or "") if column is not None else ""
    if not text:
        return None
    digits = re.fullmatch(r"(\d{1,4})\s?[人名件枠]?", text)
    if digits is None or int(digits[1]) > _MOST_PEOPLE:
        raise BadPayload(NO_COUNT)
    return int(digits[1])


def _begins(row: Row, columns: Columns, zone: tzinfo) -> datetime:
    """When it begins, by the office's clock."""
    if isinstance(row.at, str):
        raise BadPayload(row.at)
    if row.at is not None:
        return _local(row.at, zone)
    said = unicodedata.normalize("NFKC", row.get(columns.date) or "").strip()
    if columns.time is not None:
        said += " " + unicodedata.normalize("NFKC", row.get(columns.time) or "").strip()
    try:
        if _ZONED.match(said):
            return _local(datetime.fromisoformat(said.replace(" ", "T", 1)), zone)
        day = _DAY.match(said)
        if day is None:
            raise BadPayload(NO_TIME)
        time = _TIME.match(said[day.end() :].lstrip("T "))
        if time is None:
            raise BadPayload(NO_TIME)
        hour = int(time["hour"]) + 12 * (time["half"] == "午後" and int(time["hour"]) < 12)  # noqa: PLR2004
        minute = int(time["minute"] or time["bare"] or 0)
        return datetime(*_date(day), hour, minute, tzinfo=zone)
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadPayload):
            raise
        raise BadPayload(NO_TIME) from None


def _date(found: re.Match[str]) -> tuple[int, int, int]:
    if found["plain"]:
        return int(found["plain"][:4]), int(found["plain"][4:6]), int(found["plain"][6:])
    era = found["era"]
    year = int(found["year"]) if era is None else _REIWA + (1 if era == "元" else int(era))
    return year, int(found["month"]), int(found["day"])


def _local(at: datetime, zone: tzinfo) -> datetime:
    """The same moment by the office's clock; what names no zone is by it already."""
    try:
        return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)
    except (ValueError, OverflowError):
        raise BadPayload(NO_TIME) from None
