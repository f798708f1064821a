"""Reservations out of a calendar (RFC 5545): of each event what `booked.py` counts by, and no more.

Events are taken one by one. One that recurs stands for nobody knows how many, and is refused.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from models.errors import BadPayload
from models.sensing.booked import ALL_DAY, NO_TIME, RECURS, Columns, Row, checked

COLUMNS = Columns(
    date="DTSTART", cancelled="STATUS", cancelled_is=frozenset({"cancelled", "declined"})
)
"""What a calendar calls them."""

_MOST_EVENTS = 50_000
_OF_AN_EVENT = {"DTSTART", "STATUS", "UID", "SEQUENCE", "RECURRENCE-ID", "RRULE", "RDATE"}
_LINE = re.compile(
    r'([A-Za-z0-9-]{1,60})((?:;[A-Za-z0-9-]{1,60}=(?:"[^"]*+"|[^";:]*+)*+)*+):(.*)', re.DOTALL
)
_TZID = re.compile(r';TZID="?([^";:]{1,120})', re.IGNORECASE)
_MOMENT = re.compile(r"(\d{8}T\d{6})(Z?)")
_DAY = re.compile(r"\d{8}")
_WINDOWS = {"Tokyo Standard Time": "Asia/Tokyo", "UTC": "UTC"}  # what Outlook calls them

_Event = dict[str, tuple[str, str]]
"""Parameters and value by the name of a property."""


def ics_rows(body: bytes, columns: Iterable[str]) -> list[Row]:
    """The events of one or more calendars; of an event that came again, the latest.

    Args:
        body: of the file.
        columns: properties that tell of the service.

    Raises:
        BadPayload: it is too large, no calendar, or ends in the middle.
    """
    wanted = _OF_AN_EVENT | {name.upper() for name in columns}
    kept: dict[tuple[str, str], tuple[int, Row]] = {}
    inside: list[str] = []
    event: _Event = {}
    method, calendars = "", 0
    for name, parameters, value in _properties(checked(body)):
        if name == "BEGIN":
            inside.append(value.upper())
            event, method = (event if len(inside) > 2 else {}), (method if len(inside) > 1 else "")  # noqa: PLR2004
        elif name == "END":
            if not inside or inside.pop() != value.upper():
                raise BadPayload("want a whole calendar, got one that is cut")
            calendars += not inside
            if value.upper() == "VEVENT" and len(inside) == 1:
                _keep(kept, event, is_cancelled=method == "CANCEL")
        elif inside == ["VCALENDAR", "VEVENT"] and name in wanted:
            event[name] = (parameters, value)
        elif inside == ["VCALENDAR"] and name == "METHOD":
            method = value.upper()
    if inside or not calendars:
        raise BadPayload("want a whole calendar, got one that is cut")
    return [row for _, row in kept.values()]


def _properties(body: bytes) -> Iterator[tuple[str, str, str]]:
    """Name, parameters and value of each line, with the lines that go on below put together."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    text = re.sub(r"(\r\n|\n|\r)[ \t]", "", text)
    for line in re.split(r"\r\n|\n|\r", text):
        found = _LINE.fullmatch(line)
        if found is not None:
            yield found[1].upper(), found[2], found[3].strip()


def _keep(
    kept: dict[tuple[str, str], tuple[int, Row]], event: _Event, *, is_cancelled: bool
) -> None:
    """Note an event, unless a later state of it is known."""
    if is_cancelled:
        event["STATUS"] = ("", "CANCELLED")
    values = {name: value for name, (_, value) in event.items()}
    key = values.get("UID") or f"\n{len(kept)}", values.get("RECURRENCE-ID", "")
    sequence = values.get("SEQUENCE", "")
    edition = int(sequence) if re.fullmatch(r"[0-9]{1,9}", sequence) else 0
    if key not in kept or kept[key][0] <= edition:
        kept[key] = edition, Row(lambda name: _said(values, name.upper()), _begins(event))
    if len(kept) > _MOST_EVENTS:
        raise BadPayload(f"want at most {_MOST_EVENTS} events, got more")


def _said(values: dict[str, str], name: str) -> str | None:
    """A text; of a list of texts one a line."""
    value = values.get(name)
    if value is None:
        return None
    parts = re.split(r"(?<!\\),", value) if name == "CATEGORIES" else [value]
    return "\n".join(re.sub(r"\\(.)", r"\1", part) for part in parts)


def _begins(event: _Event) -> datetime | str:
    """When it begins, or why that cannot be told."""
    if "RRULE" in event or "RDATE" in event:
        return RECURS
    parameters, value = event.get("DTSTART", ("", ""))
    if _DAY.fullmatch(value):
        return ALL_DAY
    found = _MOMENT.fullmatch(value)
    if found is None:
        return NO_TIME
    try:
        at = datetime.strptime(found[1], "%Y%m%dT%H%M%S")  # noqa: DTZ007  its zone comes next
        if found[2]:
            return at.replace(tzinfo=UTC)
        zone = _TZID.search(parameters)
        return at if zone is None else at.replace(tzinfo=_zone(zone[1]))
    except (ValueError, KeyError, OSError):  # no such day, or no such zone
        return NO_TIME


def _zone(name: str) -> ZoneInfo:
    """Of a name; some programs set where it was taken from before it."""
    named = _WINDOWS.get(name, name)
    return ZoneInfo("/".join(named.strip("/").split("/")[-2:]) if named.startswith("/") else named)
