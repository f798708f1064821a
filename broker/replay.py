"""A back-test: what the hub would have told at each ask, from what it had received by then.

The office folds a log line by line and is asked in between, so nothing that came later is known.
"""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, TextIO, cast

import msgspec

from models.contract.codec import decode_observation
from models.contract.ids import Time
from models.contract.observations import Envelope, Observation
from models.errors import BadData, BadPayload, BadTopic, Missing, Unavailable
from models.site import Site
from models.state.office import Office

UNKNOWN_S = (60.0, 600.0, 3600.0)
"""Answered, with an empty basis, where the hub would have told no wait."""


class Line(msgspec.Struct, frozen=True):
    """One line of a log."""

    topic: str
    received_at: Time
    payload: msgspec.Raw


class Ask(msgspec.Struct, frozen=True):
    """One line of an ask file."""

    id: str
    at: Time
    kind: Literal["wait", "remaining", "lot", "queue"]
    name: str
    ticket: str = ""
    horizon_s: Annotated[float, msgspec.Meta(ge=0, le=366 * 86_400)] = 0.0

    def __post_init__(self) -> None:
        """Check what a type cannot say."""
        if self.kind == "remaining" and not self.ticket:
            raise ValueError("want a ticket, got none")


class Answer(msgspec.Struct, frozen=True):
    """One line of an answer file: seconds, people or cars. An empty basis: nothing was known."""

    id: str
    p10: float
    p50: float
    p90: float
    basis: str


Received = tuple[Observation, datetime, datetime]
"""An observation, when it was made and when it was received."""

_lines = msgspec.json.Decoder(Line)


def replay(site: Site, log: Path, ask: Path, out: Path) -> None:
    """Answer all asks of a file, with progress.

    Raises:
        Missing: a file is not there.
        BadData: it is not what it should be; says which line.
        Unavailable: the answers cannot be written.
    """
    asks = asks_of(ask, site)
    with _shown(log) as lines:
        found = list(answers(Office(site, assume_alive=True), lines, asks))
    write(out, found)


def opened(path: Path) -> TextIO:
    """A log as text, gzip or not."""
    return _text(path.open("rb"), path)


def _text(raw: BinaryIO, path: Path) -> TextIO:
    plain = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
    return io.TextIOWrapper(cast("BinaryIO", plain), encoding="utf-8")


@contextmanager
def _shown(path: Path) -> Iterator[TextIO]:
    """A log that is read with progress.

    Raises:
        Missing, BadData: it is not there, or not what its name says.
    """
    from tqdm import tqdm  # noqa: PLC0415

    try:
        size = path.stat().st_size
        with (
            path.open("rb") as file,
            tqdm.wrapattr(file, "read", total=size, desc=path.name, disable=None) as raw,
        ):
            yield _text(raw, path)
    except BadData as error:
        raise BadData(f"{error} of {path}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise BadData(f"want a log in UTF-8, gzip if it is named .gz, {error} - {path}") from None
    except OSError as error:
        raise Missing(f"want a log, got: {error.strerror or error} - {path}") from None


def observations(log: TextIO) -> Iterator[Received]:
    """What a hub folds of a log, in its order.

    A second copy is dropped, and what the contract does not know is passed over and told of.

    Raises:
        BadData: a line is none of a log.
    """
    marks: dict[tuple[str, str], int] = {}
    boots: dict[tuple[str, str], tuple[str, float]] = {}
    strange, first = 0, ""
    for number, text in enumerate(log, 1):
        try:
            line = _lines.decode(text)
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadData(f"want a line of a log, {error} - line {number}") from None
        try:
            seen = decode_observation(line.topic, bytes(line.payload))
        except (BadTopic, BadPayload) as error:
            strange, first = strange + 1, first or f"{error} - line {number}"
            continue
        key = seen.device, seen.envelope.stream
        if seen.envelope.seq <= marks.get(key, 0):
            continue
        marks[key] = seen.envelope.seq
        if seen.kind != "skip":  # nothing was seen
            yield seen, _dated(seen.envelope, line.received_at, key, boots), line.received_at
    if strange:
        print(f"machiai: {strange} lines passed over, the first: {first}", file=sys.stderr)  # noqa: T201


def _dated(
    envelope: Envelope,
    received_at: datetime,
    key: tuple[str, str],
    boots: dict[tuple[str, str], tuple[str, float]],
) -> datetime:
    """When it was made: as the device says, else by how long it had been up, as the hub does.

    `boots` holds for each stream the boot and when that was, in seconds since 1970.
    """
    up_s, received_s = envelope.up_ms / 1000, received_at.timestamp()
    if envelope.at is not None:
        boots[key] = envelope.boot, envelope.at.timestamp() - up_s
        return envelope.at
    booted_s = received_s - up_s
    known = boots.get(key)
    if known is not None and known[0] == envelope.boot:
        booted_s = min(booted_s, known[1])
    boots[key] = envelope.boot, booted_s
    return datetime.fromtimestamp(max(booted_s + up_s, 0.0), UTC)


def asks_of(path: Path, site: Site | None = None) -> list[Ask]:
    """The asks, by the time at which they are asked.

    Raises:
        Missing: the file is not there.
        BadData: a line is none of an ask file, or asks for what the site does not have.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            asks = [_ask(row, f"{path} line {n}", site) for n, row in enumerate(_rows(file), 2)]
    except UnicodeDecodeError as error:
        raise BadData(f"want asks in UTF-8, {error.reason} - {path}") from None
    except OSError as error:
        raise Missing(f"want a file of asks, got: {error.strerror} - {path}") from None
    ids = [ask.id for ask in asks]
    if len(set(ids)) < len(ids):
        twice = next(one for n, one in enumerate(ids) if one in ids[:n])
        raise BadData(f"want each id once, got {twice!r} again - {path}")
    return sorted(asks, key=lambda ask: ask.at)


def _rows(file: TextIO) -> Iterator[dict[str, str]]:
    try:
        yield from csv.DictReader(file)
    except csv.Error as error:
        raise BadData(f"want a file of asks, {error} - {file.name}") from None


def _ask(row: dict[str, str], where: str, site: Site | None) -> Ask:
    try:
        ask = msgspec.convert({k: v for k, v in row.items() if k and v}, Ask, strict=False)
    except msgspec.ValidationError as error:
        raise BadData(f"{error} - {where}") from None
    if site is not None:
        what = site.lots if ask.kind == "lot" else site.services
        known = [one.id for one in what]
        if ask.name not in known:
            wanted = ", ".join(known) or "none"
            raise BadData(f"want a {ask.kind} of {wanted}, got {ask.name[:40]!r} - {where}")
    return ask


def answers(office: Office, log: TextIO, asks: list[Ask]) -> Iterator[Answer]:
    """Answers in the order of the asks, each from what was received at or before it."""
    news = observations(log)
    ahead = next(news, None)
    for ask in asks:
        while ahead is not None and ahead[2] <= ask.at:
            seen, at, received_at = ahead
            office.fold(seen, at.timestamp(), received_at.timestamp())
            ahead = next(news, None)
        yield answer(office, ask)


def answer(office: Office, ask: Ask) -> Answer:
    """What the office says to one ask; where it says nothing, all that can be, with no basis."""
    if ask.kind == "queue":
        people = office.people(ask.name, ask.at, ask.horizon_s)
        return Answer(ask.id, *(people or (0.0, 0.0, 0.0)), basis="usual" if people else "")
    if ask.kind == "lot":
        cars = office.cars(ask.name, ask.at, ask.horizon_s)
        capacity = next(lot.capacity for lot in office.site.lots if lot.id == ask.name)
        anything = (0.0, capacity / 2.0, float(capacity))
        return Answer(ask.id, *(cars or anything), basis="now" if cars else "")
    if ask.ticket:
        spread, basis = office.remaining(ask.name, ask.ticket, ask.at), "tickets"
    else:
        spread = office.wait(ask.name, ask.at, counted=True)
        basis = office.basis(ask.name, ask.at)
    if spread is None:
        return Answer(ask.id, *UNKNOWN_S, basis="")
    return Answer(ask.id, spread.p10_s, spread.p50_s, spread.p90_s, basis)


def write(path: Path, found: list[Answer]) -> None:
    """An answer file.

    Raises:
        Unavailable: it cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Answer.__struct_fields__)
            writer.writerows(msgspec.structs.astuple(row) for row in found)
    except OSError as error:
        raise Unavailable(f"want to write {path}, got: {error.strerror}") from None
