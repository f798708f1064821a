"""Lines of a ticket machine: cut from a stream, read by the pattern of the site file."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from string import Formatter
from typing import Literal, NamedTuple, get_args

import msgspec

from models.contract.observations import Ticket, TicketEvent
from models.errors import BadPayload, BadSite
from models.sensing.template import is_template, line_pattern

MAX_BYTES = 1000
"""A longer line is not of a ticket machine. It also bounds what a careless pattern can cost."""

Encoding = Literal["utf-8", "ascii", "cp932", "shift_jis", "euc_jp"]

GROUPS = ("at", "event", "service", "number", "counter")
"""What a pattern may name."""

EVENTS: dict[str, TicketEvent] = {event: event for event in get_args(TicketEvent)}
"""For machines that print the words of the contract."""

_MAX_NUMBER = 64
_FIELD = re.compile(r"(.?[<>^]0?)?([1-9]\d?)?")  # of a format: 3, >3, 0>3, >03
_LINE_END = re.compile(rb"[\r\n]+")
_SAMPLE = datetime(2026, 11, 24, 10, 32, 5)  # noqa: DTZ001  naive, as a machine prints it


class Lines:
    """Cuts a stream of bytes into lines, in bounded memory."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes, without the empty ones.

        Of a line that is too long so much is left that `TicketLines.read` refuses it.
        """
        *lines, self.rest = _LINE_END.split(self.rest + chunk)
        self.rest = self.rest[: MAX_BYTES + 1]
        return [line[: MAX_BYTES + 1] for line in lines if line]


class TicketFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How a make of machine writes its lines. A constant stands in for a group that it lacks."""

    pattern: str
    """`{at} {event} {service} {number}`, see `template`; else a regular expression."""
    services: Mapping[str, str]
    """By what the machine prints, the service; likewise below."""
    events: Mapping[str, TicketEvent]
    counters: Mapping[str, str]
    service: str | None = None
    event: TicketEvent | None = None
    number: str = "{number}"
    """How a number is shown, a format of the named groups: `{service}{number:>03}`."""
    encoding: Encoding = "utf-8"
    at_format: str | None = None
    """As in `strptime`; None is ISO 8601."""
    zone: tzinfo = UTC
    """Of a printed time that does not say it itself."""


class TicketLine(NamedTuple):
    """What one line says; `at` is aware, or None if the machine does not print it."""

    service: str
    ticket: Ticket
    at: datetime | None


class TicketLines:
    """Reads lines of one format."""

    def __init__(self, form: TicketFormat) -> None:
        """Check the format.

        Raises:
            BadSite: with the path below the sensor.
        """
        self._form = form
        self._pattern = _compiled(form)
        _check_number(form.number, set(self._pattern.groupindex))
        if form.at_format is not None:
            _check_at(form.at_format)

    def read(self, line: bytes) -> TicketLine:
        """What the line says.

        Raises:
            BadPayload: why it says nothing; without a word of the line, which may hold a name.
        """
        if len(line) > MAX_BYTES:
            raise BadPayload(f"want a line of at most {MAX_BYTES} bytes, got a longer one")
        try:
            text = line.decode(self._form.encoding)
        except UnicodeDecodeError:
            raise BadPayload(f"want {self._form.encoding}, got other bytes") from None
        match = self._pattern.search(text)
        if match is None:
            raise BadPayload("want a line that fits the pattern, got another")
        said = {group: word or "" for group, word in match.groupdict().items()}
        form = self._form
        service = form.service or form.services.get(said.get("service", ""))
        if service is None:
            raise BadPayload("want a service of `services`, got another")
        event = form.event or form.events.get(said.get("event", ""))
        if event is None:
            raise BadPayload("want an event of `events`, got another")
        counter = form.counters.get(said.get("counter", ""))
        ticket = Ticket(number=self._number(said), event=event, counter=counter)
        return TicketLine(service, ticket, self._at(said.get("at", "")))

    def _number(self, said: dict[str, str]) -> str:
        number = unicodedata.normalize("NFKC", self._form.number.format_map(said)).strip()
        if not said["number"] or not 1 <= len(number) <= _MAX_NUMBER or not number.isprintable():
            raise BadPayload(f"want a number of 1 to {_MAX_NUMBER} characters, got another")
        return number

    def _at(self, said: str) -> datetime | None:
        if not said:
            return None
        form = self._form
        try:
            at = (
                datetime.fromisoformat(said)
                if form.at_format is None
                else datetime.strptime(said, form.at_format)  # noqa: DTZ007  the zone is below
            )
            return (at if at.tzinfo else at.replace(tzinfo=form.zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadPayload("want a time of the calendar, got another") from None


def _compiled(form: TicketFormat) -> re.Pattern[str]:
    written = form.pattern
    if is_template(written, GROUPS):
        written = line_pattern(written, GROUPS, "pattern")
    try:
        pattern = re.compile(written)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadSite(f"want a regular expression, got {error} - at `$.pattern`") from None
    groups = set(pattern.groupindex)
    if strange := groups.difference(GROUPS):
        known = ", ".join(GROUPS)
        raise BadSite(f"want groups of {known}, got {min(strange)!r} - at `$.pattern`")
    needed = {"number"}
    needed |= {"service"} if form.service is None else set()
    needed |= {"event"} if form.event is None else set()
    if missing := needed - groups:
        raise BadSite(f"want {{{min(missing)}}}, got none - at `$.pattern`")
    return pattern


def _check_number(number: str, groups: set[str]) -> None:
    try:
        fields = [field for field in Formatter().parse(number) if field[1] is not None]
    except ValueError as error:
        raise BadSite(f"want a format, got {error} - at `$.number`") from None
    for _, name, spec, conversion in fields:
        if name not in groups or conversion or not _FIELD.fullmatch(spec or ""):
            raise BadSite(
                f"want fields such as {{number:>03}} of the pattern's groups, got {name!r}"
                " - at `$.number`"
            )


def _check_at(at_format: str) -> None:
    try:
        day = datetime.strptime(_SAMPLE.strftime(at_format), at_format).date()  # noqa: DTZ007
    except (ValueError, re.error) as error:
        raise BadSite(f"want a format of strptime, got {error} - at `$.at_format`") from None
    if day != _SAMPLE.date():
        raise BadSite(f"want one with year, month and day, got {at_format!r} - at `$.at_format`")
