"""Answers the asks of a back-test as the hub would have, from what it had received by then.

    .venv/bin/python -m tests.referee.replay ../shared/referee/sets/wait-public --out var/wait

FOLDER is one scenario (site.toml, log.jsonl.gz, ask.csv) or a folder of them; the answers are
written to OUT/<scenario>.csv. `fold_log` and `answer` are pure but for the file that they read.
"""

import argparse
import csv
import gzip
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

import msgspec
from tqdm import tqdm

from models.contract.codec import decode_observation
from models.contract.observations import Observation
from models.contract.results import Spread
from models.site import parse
from models.state.office import Office

_UNKNOWN_S = (60.0, 600.0, 3600.0)  # what is answered, not told, where nothing is known


class Line(msgspec.Struct, frozen=True):
    """One line of a log."""

    topic: str
    received_at: datetime
    payload: msgspec.Raw


class Ask(msgspec.Struct, frozen=True):
    """One line of an ask file."""

    id: str
    at: datetime
    kind: str
    name: str
    ticket: str
    horizon_s: str


class Answer(msgspec.Struct, frozen=True):
    """One line of an answer file: seconds, people or cars."""

    id: str
    p10: float
    p50: float
    p90: float
    basis: str


_lines = msgspec.json.Decoder(Line)


def opened(path: Path) -> TextIO:
    """A log as text, gzip or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def observations(log: TextIO) -> Iterator[tuple[Observation, datetime, datetime]]:
    """Observations with when they were made and received; who knew no time made them just now."""
    for text in log:
        line = _lines.decode(text)
        seen = decode_observation(line.topic, bytes(line.payload))
        yield seen, seen.envelope.at or line.received_at, line.received_at


def asks_of(path: Path) -> list[Ask]:
    """The asks, by the time at which they are asked."""
    with path.open(newline="", encoding="utf-8") as file:
        asks = [msgspec.convert(row, Ask, strict=False) for row in csv.DictReader(file)]
    return sorted(asks, key=lambda ask: ask.at)


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
    """What the office says to one ask."""
    if ask.kind == "queue":
        people = office.people(ask.name, ask.at, float(ask.horizon_s))
        low, middle, high = people or (0.0, 0.0, 0.0)
        return Answer(id=ask.id, p10=low, p50=middle, p90=high, basis="usual" if people else "")
    if ask.kind == "lot":
        capacity = next(lot.capacity for lot in office.site.lots if lot.id == ask.name)
        cars = office.cars(ask.name, ask.at, float(ask.horizon_s or 0))
        low, middle, high = cars or (0.0, capacity / 2.0, float(capacity))
        basis = "now" if cars else ""
        return Answer(id=ask.id, p10=low, p50=middle, p90=high, basis=basis)
    if ask.ticket:
        spread, basis = office.remaining(ask.name, ask.ticket, ask.at), "tickets"
    else:
        spread = office.wait(ask.name, ask.at, counted=True)
        basis = office.basis(ask.name, ask.at)
    told = spread or Spread(**dict(zip(("p10_s", "p50_s", "p90_s"), _UNKNOWN_S, strict=True)))
    return Answer(
        id=ask.id,
        p10=told.p10_s,
        p50=told.p50_s,
        p90=told.p90_s,
        basis=basis if spread else "",
    )


def replay(folder: Path, until: timedelta | None = None) -> list[Answer]:
    """All answers of one scenario; `until` stops so long after its first ask."""
    office = Office(
        parse((folder / "site.toml").read_text(encoding="utf-8"), "site.toml"), assume_alive=True
    )
    asks = asks_of(folder / "ask.csv")
    if until is not None:
        asks = [ask for ask in asks if ask.at < asks[0].at + until]
    with opened(folder / "log.jsonl.gz") as log:
        return list(answers(office, log, asks))


def write(path: Path, found: list[Answer]) -> None:
    """An answer file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Answer.__struct_fields__)
        writer.writerows(msgspec.structs.astuple(row) for row in found)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a scenario, or a folder of scenarios")
    parser.add_argument("--out", type=Path, required=True, help="folder of the answer files")
    parser.add_argument("--only", default="", help="only scenarios whose name contains this")
    parser.add_argument("--jobs", type=int, default=2, help="scenarios at a time")
    arguments = parser.parse_args()
    folders = [path.parent for path in sorted(arguments.folder.rglob("ask.csv"))]
    folders = [folder for folder in folders if arguments.only in folder.name]
    arguments.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        replayed = tqdm(pool.map(replay, folders), total=len(folders), unit="scenario")
        for folder, found in zip(folders, replayed, strict=True):
            write(arguments.out / f"{folder.name}.csv", found)


if __name__ == "__main__":
    main()
