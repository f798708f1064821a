"""Numbers out of a page that a vendor's queue display publishes, JSON or HTML."""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Any, Literal, get_args

import msgspec

from models.contract.observations import Queue
from models.errors import BadPayload, BadSite
from models.sensing.html_page import Laid, beside, crossing, laid_out
from models.sensing.json_path import as_text, at, embedded, pointer_of, steps_of
from models.sensing.template import NUMBER, TICKET, page_pattern, spaced
from models.sensing.ticket_lines import Encoding

MAX_BYTES = 1024 * 1024
"""A larger page is refused: it is no queue display."""

Wanted = Literal["waiting", "called", "open", "time"]

_MOST = 1_000_000  # as in the contract
_MAX_CALLED = 64
_LONGEST_CALLED = 16  # that is no number with words around it
_SCRIPT = re.compile(r"[\w.$ ]{0,100}[=({\[]")
_DIGITS = re.compile(r"[0-9]{1,4}")
_CLOCK, _DATED = (2, 3), (5, 6)
_HEAD_BYTES = 2048
_CHARSET = re.compile(rb"(?:charset|encoding)\s?=\s?[\"']?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
_NUMBER = re.compile(
    rf"[^0-9]{{0,20}}+({NUMBER})(?!\s?(?:分|秒|時|min|sec|h\b|%|円|:|/))[^0-9]{{0,20}}+"
)
_TICKET = re.compile(rf"[^0-9A-Za-z]{{0,20}}?({TICKET})[^0-9A-Za-z]{{0,20}}+")
_WINDOWS = {"windows-31j", "x-sjis", "shift_jis", "shift-jis", "sjis", "ms_kanji"}


def encoding_of(charset: str | None, body: bytes = b"") -> Encoding:
    """The encoding that a server names, else the page itself, UTF-8 if none is named that we read.

    As in a browser Shift_JIS is what Windows makes of it.

    >>> encoding_of("Windows-31J"), encoding_of(None, b'<meta charset="euc-jp">')
    ('cp932', 'euc_jp')
    """
    if not charset:
        found = _CHARSET.search(body[:_HEAD_BYTES])
        charset = found[1].decode() if found else ""
    if charset.lower() in _WINDOWS:
        return "cp932"
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return "utf-8"
    known: dict[str, Encoding] = {encoding: encoding for encoding in get_args(Encoding)}
    return known.get(name, "utf-8")


class Page:
    """One page as it came. What cannot be decoded stands as U+FFFD: we look for numbers only."""

    def __init__(self, body: bytes, encoding: Encoding = "utf-8") -> None:
        """Decode the page.

        Raises:
            BadPayload: it is too large.
        """
        if len(body) > MAX_BYTES:
            raise BadPayload(f"want a page of at most {MAX_BYTES} bytes, got a larger one")
        self.size, self.encoding = len(body), encoding
        self.text = body.decode(encoding, "replace").removeprefix("\ufeff")

    @property
    def is_html(self) -> bool:
        """Whether it has tags, and is no script that writes some."""
        text = self.text.lstrip()
        return text.startswith("<") or ("</" in text and not _SCRIPT.match(text))

    @cached_property
    def source(self) -> str:
        """The page as it came, tags included, full width made plain."""
        return spaced(self.text)

    @cached_property
    def laid(self) -> Laid:
        """The page as it is read; what is no HTML is text.

        Raises:
            BadPayload: tables that no queue display has.
        """
        return laid_out(self.text) if self.is_html else Laid(spaced(self.text), (), ())

    @cached_property
    def documents(self) -> tuple[Any, ...]:
        """The page as JSON, or what JSON its scripts hold.

        Raises:
            BadPayload: there is none.
        """
        try:
            return (msgspec.json.decode(self.text),)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
        scripts: Iterable[str] = self.laid.scripts if self.is_html else [self.text]
        found = tuple(value for script in scripts for value in embedded(script))
        if not found:
            raise BadPayload("want JSON, got something else")
        return found


class Find:
    """Where a value stands, as a person writes it down.

    `待ち人数 {waiting}人` in what people read, `html: …` in what the page is made of,
    `table: 住民票 | 待ち人数` where a row and a column cross, `json: list[name=住民票].wait` and
    `/list/0/wait` (RFC 6901) in JSON. None of them can be made to take long: see `template`.
    """

    def __init__(self, written: str, path: str, wanted: Wanted = "waiting") -> None:
        """Check it.

        Args:
            written: as above.
            path: of the key in the site file.
            wanted: which place of a template is the value.

        Raises:
            BadSite: with that path.
        """
        self._values = _looking(written, path, wanted)

    def text(self, page: Page) -> str | None:
        """The value, full-width characters made plain; None if it is not there, null or empty.

        Raises:
            BadPayload: JSON is wanted and the page is none, or several values could be meant.
        """
        found = {unicodedata.normalize("NFKC", value).strip() for value in self._values(page)}
        if len(found) > 1:
            raise BadPayload("want one place that fits, got several with different values")
        return (found.pop() or None) if found else None


class Made:
    """When a page was made, as it says itself: one that stands still looks like a quiet queue."""

    def __init__(self, find: Find, zone: tzinfo, fresh_s: float) -> None:
        self._find = find
        self._zone = zone
        self._fresh = timedelta(seconds=fresh_s)

    def check(self, page: Page, now: datetime) -> None:
        """Let a page pass that is of now.

        Raises:
            BadPayload: it is older, or of a time to come, or says no time.
        """
        text = self._find.text(page)
        at = None if text is None else self._at(text, now)
        if at is None:
            raise BadPayload("want the time of the page, got none")
        if abs(now - at) > self._fresh:
            wanted = f"want a page of the last {self._fresh.total_seconds():g} s"
            raise BadPayload(f"{wanted}, got one of {at.astimezone(self._zone):%H:%M}")

    def _at(self, text: str, now: datetime) -> datetime | None:
        """A date and a time, or the time of the day alone: the nearest to now."""
        try:
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=self._zone)
        except ValueError:
            pass
        parts = [int(number) for number in _DIGITS.findall(text)]
        local = now.astimezone(self._zone)
        try:
            if len(parts) in _DATED:
                year, month, day, hour, minute, second = [*parts, 0][:6]
                return datetime(year, month, day, hour, minute, second, tzinfo=self._zone)
            if len(parts) in _CLOCK:
                hour, minute, second = [*parts, 0][:3]
                today = datetime.combine(local.date(), time(hour, minute, second), self._zone)
                days = (today + timedelta(days=n) for n in (-1, 0, 1))
                return min(days, key=lambda one: abs(now - one))
        except ValueError:
            pass
        return None


class QueueRule:
    """Where the numbers of one service stand."""

    def __init__(
        self, service: str, *, waiting: Find, called: Find | None, open_counters: Find | None
    ) -> None:
        self.service = service
        self._waiting = waiting
        self._called = called
        self._open = open_counters

    def read(self, page: Page) -> Queue:
        """What the page says of this service.

        Raises:
            BadPayload: it does not say how many wait, or says something else than a number.
        """
        waiting = self._number(page, self._waiting, "people waiting")
        if waiting is None:
            raise BadPayload(f"want people waiting for {self.service}, got none")
        text = self._called.text(page) if self._called else None
        called = called_in(text) if text else None
        if called and (len(called) > _MAX_CALLED or not called.isprintable()):
            raise BadPayload(f"want a called number of {self.service}, got something else")
        counters = self._number(page, self._open, "open counters")
        return Queue(waiting=waiting, called=called, open=counters)

    def _number(self, page: Page, find: Find | None, what: str) -> int | None:
        text = find.text(page) if find else None
        if text is None:
            return None
        number = number_in(text)
        if number is None:
            raise BadPayload(f"want a number of {what} for {self.service}, got something else")
        return number


def number_in(text: str) -> int | None:
    """The one whole number in a short text that is no time and no share; None else.

    >>> number_in("約 1,024 人"), number_in("15分"), number_in("3/5")
    (1024, None, None)
    """
    found = _NUMBER.fullmatch(text)
    number = int(found[1].replace(",", "")) if found else _MOST + 1
    return number if number <= _MOST else None


def called_in(text: str) -> str | None:
    """The number on a ticket in a short text; a text without a digit says that none is called.

    >>> called_in("A012番"), called_in("---")
    ('A012', None)
    """
    if not any(map(str.isdecimal, text)):
        return None
    found = _TICKET.fullmatch(text)
    return found[1] if found else text


Look = Callable[[Page], Iterable[str]]


def _looking(written: str, path: str, wanted: Wanted) -> Look:
    """How to find what is written so; a kind of place is one line here."""
    if written.startswith("/"):
        return _in_json(pointer_of(written))
    head, colon, rest = written.partition(":")
    if colon and head == "json":
        return _in_json(steps_of(rest, path))
    if colon and head == "table":
        return _in_tables(rest, path)
    if colon and head == "html":
        source = page_pattern(rest, wanted, path)
        return lambda page: (found[1] for found in source.finditer(page.source))
    pattern = page_pattern(rest if colon and head == "text" else written, wanted, path)
    return lambda page: (found[1] for found in pattern.finditer(page.laid.text))


def _in_json(steps: tuple[Any, ...]) -> Look:
    def look(page: Page) -> Iterable[str]:
        for document in page.documents:
            value = as_text(at(document, steps))
            if value is not None:
                return [value]
        return []

    return look


def _in_tables(written: str, path: str) -> Look:
    titles = [spaced(title) for title in written.split("|")]
    if not 1 <= len(titles) <= 2 or not all(titles):  # noqa: PLR2004  a row and a column
        raise BadSite(f"want table: ROW | COLUMN, got {written.strip()!r} - at `$.{path}`")

    def look(page: Page) -> Iterable[str]:
        for grid in page.laid.tables:
            yield from beside(grid, *titles) if len(titles) == 1 else crossing(grid, *titles)

    return look
