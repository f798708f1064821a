"""`machiai probe`: what a pattern would read from a page or from a ticket machine's lines.

It asks the page once, as the agent would, and puts nothing into service.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec

from broker.clock import from_environment
from edge.sensors import sensors_of
from edge.sensors.queue import Queue, host_of, page_at, session
from edge.sensors.ticket import Ticket
from models.contract.observations import Queue as Shown
from models.errors import BadData, BadPayload, BadSite, BadUsage, Missing
from models.sensing.candidates import Candidate, candidates
from models.sensing.queue_page import (
    MAX_BYTES,
    Find,
    Page,
    Wanted,
    called_in,
    encoding_of,
    number_in,
)
from models.sensing.template import is_template, line_pattern
from models.sensing.ticket_lines import GROUPS, Encoding, Lines
from models.site import Service, Site

_TIMEOUT_S = 10.0
_MOST_LINES = 30
_LONGEST_LINE = 200
_SENSOR = re.compile(r"\$?\.?devices\[(\d{1,4})\]\.sensors\[(\d{1,4})\]")
_TIME = re.compile(r"[0-9]{1,2}[:時][0-9]{1,2}")
_KEYS: tuple[Wanted, ...] = ("waiting", "called", "open", "time")

Told = tuple[list[str], bool]
"""What to print, and whether all could be read."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for. `page` is an address, a file, or None: that of the sensor."""

    page: str | None
    patterns: tuple[str, ...] = ()
    site: Site | None = None
    sensor: str | None = None
    encoding: Encoding | None = None


async def probe(asked: Asked) -> Told:
    """What to print.

    Raises:
        BadData: the page could not be had.
        BadSite: a pattern or a sensor that cannot be.
        Missing: no such file.
    """
    if asked.site is not None and (asked.page is None or asked.sensor is not None):
        return await _of_site(asked.site, asked)
    if asked.page is None or asked.sensor is not None:
        raise BadUsage("want a site file with --sensor, a page or a file else")
    if any(map(_is_of_lines, asked.patterns)):
        return _of_lines(await asyncio.to_thread(_bytes, asked.page), asked)
    page = await _page(asked.page, asked.encoding)
    said = [_about(page)]
    if asked.patterns:
        read = [_of_pattern(page, one) for one in asked.patterns]
        return [*said, *(line for lines, _ in read for line in lines)], all(ok for _, ok in read)
    found = candidates(page)
    if not found:
        return [*said, _nothing(page)], False
    return [*said, *_listed(found), "", *_to_paste(asked.page, found, asked.site)], True


# ── a page without a site file ────────────────────────────────────────────────────────────────────


def _about(page: Page) -> str:
    laid = page.laid
    try:
        documents = len(page.documents)
    except BadPayload:
        documents = 0
    kind = "HTML" if page.is_html else "JSON" if documents else "text"
    counted = {"tables": len(laid.tables), "JSON in scripts": documents if page.is_html else 0}
    parts = ", ".join(f"{count} {what}" for what, count in counted.items() if count)
    return f"page: {page.size} bytes, {page.encoding}, {kind}{', ' if parts else ''}{parts}"


def _nothing(page: Page) -> str:
    """Why there may be nothing, and what to try."""
    if page.is_html and not any(map(str.isdecimal, page.laid.text)):
        return (
            "want a number of people waiting, got a page without numbers: a script fetches them "
            "later. In a browser: F12, Network, reload, find the address whose answer has them, "
            "and probe that"
        )
    return "want a number of people waiting, got none: give a --pattern, see docs/probe.md"


def _of_pattern(page: Page, written: str) -> Told:
    """What one pattern reads, as each thing that it names."""
    read: list[str] = []
    problems: list[str] = []
    for key in [key for key in _KEYS if f"{{{key}}}" in written] or list(_KEYS):
        try:
            text = Find(written, "pattern", key).text(page)
        except BadPayload as error:
            problems.append(str(error))
            continue
        except BadSite as error:
            raise BadSite(str(error).partition(" - at `$")[0]) from None
        value = None if text is None else _value(key, text)
        if value is not None:
            said = "updated" if key == "time" else key
            read.append(f"  {said:8} {value:10} {said} = {quoted(written)}")
        elif text is not None:
            problems.append(f"want a number for {key}, got {text[:40]!r}")
    problems.append("want a place that fits the pattern, got none")
    return (read, True) if read else ([f"  {problems[0]} - {written}"], False)


def _value(key: Wanted, text: str) -> str | None:
    """What a text says as that which is wanted."""
    if key == "time":
        return text if _TIME.search(text) else None
    if key == "called":
        return called_in(text)
    number = number_in(text)
    return None if number is None else str(number)


def _listed(found: Sequence[Candidate]) -> Iterator[str]:
    last = None
    for one in found:
        if one.label != last:
            yield one.label or "(no name)"
            last = one.label
        yield f"  {one.wanted:8} {one.reads or '(nothing)':10} {quoted(one.written)}"


def _to_paste(where: str, found: Sequence[Candidate], site: Site | None) -> Iterator[str]:
    """The sensor as it stands in a site file."""
    url = where if host_of(where) else "http://ADDRESS-OF-THE-PAGE"
    labels = dict.fromkeys(one.label for one in found if one.wanted == "waiting")
    rows = []
    for i, label in enumerate(labels):
        service = _service(label, site) or f"SERVICE-{i + 1}"
        keys = [f"{one.wanted} = {quoted(one.written)}" for one in found if one.label == label]
        rows.append(f'  {{ service = "{service}", {", ".join(keys)} }},  # {label}'.rstrip("# "))
    if not rows:
        return
    yield "For the site file, below the [[devices]] that can reach the page:"
    yield "[[devices.sensors]]"
    yield 'kind = "queue"'
    yield f"url = {quoted(url)}"
    yield "services = ["
    yield from rows
    yield "]"


def _service(label: str, site: Site | None) -> str | None:
    """The service that is called so, if one alone is."""
    plain = "".join(label.split())
    found = [s.id for s in site.services if _is_called(s, plain)] if site and plain else []
    return found[0] if len(found) == 1 else None


def _is_called(service: Service, label: str) -> bool:
    names = ["".join(name.split()) for name in service.name.values()]
    return any(name in label or label in name for name in names)


def quoted(text: str) -> str:
    """A string of TOML."""
    if "'" not in text and '"' in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ── with a site file ──────────────────────────────────────────────────────────────────────────────


async def _of_site(site: Site, asked: Asked) -> Told:
    """What each sensor, or the one that is named, would read."""
    said: list[str] = []
    bad = 0
    for path, sensor in _sensors(site, asked.sensor):
        said.append(path)
        try:
            lines = [line async for line in _read(sensor, asked)]
        except (BadPayload, BadData) as error:
            lines = [f"want{str(error).removeprefix('want')}"]
        said += [f"  {line}" for line in lines]
        bad += sum(line.startswith("want ") for line in lines)
    return said, not bad


async def _read(sensor: Queue | Ticket, asked: Asked) -> AsyncIterator[str]:
    if isinstance(sensor, Queue):
        page = await (_page(asked.page, asked.encoding) if asked.page else _polled(sensor))
        for service, read in sensor.read(page, from_environment().now()):
            yield str(read) if isinstance(read, BadPayload) else f"{service}: {_queue(read)}"
    elif asked.page is None:
        yield "a ticket machine: save some of its lines in a file, and give that with --sensor"
    else:
        for line in _ticket_lines(sensor, await asyncio.to_thread(_bytes, asked.page)):
            yield line


def _sensors(site: Site, named: str | None) -> Iterator[tuple[str, Queue | Ticket]]:
    wanted = None
    if named is not None:
        found = _SENSOR.fullmatch(named)
        if found is None:
            raise BadUsage(f"want a sensor like devices[0].sensors[1], got {named!r}")
        wanted = (int(found[1]), int(found[2]))
    count = 0
    for i, device in enumerate(site.devices):
        for j, sensor in enumerate(sensors_of(site, device)):
            if isinstance(sensor, Queue | Ticket) and wanted in (None, (i, j)):
                count += 1
                yield f"devices[{i}].sensors[{j}] ({device.id})", sensor
    if not count:
        raise BadSite(f"want a sensor of kind queue or ticket, got none at {named or 'devices'}")


async def _polled(sensor: Queue) -> Page:
    async with session(_TIMEOUT_S) as polls:
        return await sensor.look(polls)


def _queue(read: Shown) -> str:
    parts = {"waiting": read.waiting, "called": read.called, "open": read.open}
    return ", ".join(f"{key} {value}" for key, value in parts.items() if value is not None)


# ── lines of a ticket machine ─────────────────────────────────────────────────────────────────────


def _is_of_lines(pattern: str) -> bool:
    return is_template(pattern, ("number",)) or "(?P<number>" in pattern


def _of_lines(body: bytes, asked: Asked) -> Told:
    """What patterns for lines make of each line of a file."""
    encoding = asked.encoding or encoding_of(None, body)
    said: list[str] = []
    fits = 0
    for written in asked.patterns:
        ours = is_template(written, GROUPS)
        try:
            pattern = re.compile(line_pattern(written, GROUPS, "") if ours else written)
        except (BadSite, re.error, RecursionError, OverflowError) as error:
            raise BadSite(f"{str(error).partition(' - at `$')[0]} - {written}") from None
        said.append(f"pattern = {quoted(written)}")
        for line in _lines(body):
            text = _printable(line.decode(encoding, "replace"))
            found = pattern.search(text)
            fits += found is not None
            parts = found.groupdict().items() if found else ()
            words = ", ".join(f"{name} {word}" for name, word in parts if word)
            said.append(f"  {text}\n    {words or 'does not fit'}")
    return said, fits > 0


def _ticket_lines(sensor: Ticket, body: bytes) -> Iterator[str]:
    for line in _lines(body):
        try:
            said = sensor.read(line)
        except BadPayload as error:
            yield str(error)
        else:
            at = "" if said.at is None else f", at {said.at.isoformat(timespec='seconds')}"
            counter = "" if said.ticket.counter is None else f", counter {said.ticket.counter}"
            yield f"{said.service}: {said.ticket.event} {said.ticket.number}{counter}{at}"


def _printable(line: str) -> str:
    """What may be written on a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in line[:_LONGEST_LINE])


def _lines(body: bytes) -> list[bytes]:
    return Lines().feed(body + b"\n")[:_MOST_LINES]


# ── where it comes from ───────────────────────────────────────────────────────────────────────────


async def _page(where: str, encoding: Encoding | None) -> Page:
    try:
        if host_of(where) is not None:
            async with session(_TIMEOUT_S) as polls:
                return await page_at(polls, where, encoding)
        body = await asyncio.to_thread(_bytes, where)
        return Page(body, encoding or encoding_of(None, body))
    except BadPayload as error:
        raise BadData(f"{error} - {where}") from None


def _bytes(where: str) -> bytes:
    try:
        with Path(where).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Missing(f"want a page or a file, got: {error.strerror} - {where}") from None
