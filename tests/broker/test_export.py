"""`machiai hub --export`: a journal comes back as the office that the hub believed in."""

import gzip
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest

from broker.hub.belief import Belief
from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal
from broker.hub.ingest import Ingest
from broker.replay import observations
from machiai import main
from models.contract import topics
from models.contract.codec import encode_observation
from models.contract.observations import Beat, Envelope, Skip, Ticket
from models.site import parse
from models.state.office import Office
from models.world.day import Event
from models.world.office import live
from tests.conftest import ROOT

EXAMPLE = ROOT / "ansible" / "sites" / "example.toml"
SITE = parse(EXAMPLE.read_text(encoding="utf-8"))
DAYS = (date(2026, 11, 24), date(2026, 11, 25))
CUT = timedelta(minutes=8)


def sent(day: date) -> Iterator[tuple[datetime, str, bytes]]:
    """A day as the hub hears it: a line that is cut at times, a clock that is lost, beats.

    Each day has a new outbox that does not say what came before.
    """
    seq = 0

    def topic(kind: str, name: str) -> str:
        return topics.observation(SITE.id, "pi", kind, name)

    def envelope(at: datetime | None, up_s: float) -> Envelope:
        up_ms = round(up_s * 1000)
        return Envelope(stream=f"s{day.day}", seq=seq, boot=f"b{day.day}", up_ms=up_ms, at=at)

    events = [e for e in live(SITE, day, 5).events if e.name != "next-c6"]
    start = events[0].at
    heard: list[tuple[datetime, Event]] = [
        (e.at + CUT if e.at.hour == 3 and e.at.minute < 8 else e.at, e) for e in events
    ]
    last = start
    for n, (received_at, event) in enumerate(sorted(heard, key=lambda one: one[0])):
        last = max(last, received_at)
        seq += 1
        up_s = (event.at - start).total_seconds() + 60
        at = None if event.at.hour == 4 and event.kind == "pulse" else event.at
        made = encode_observation(envelope(at, up_s), event.reading)
        yield last, topic(event.kind, event.name), made
        if n % 50 == 0:
            yield last, topic(event.kind, event.name), made  # again
            seq += 1
            yield last, topic("beat", "all"), encode_observation(envelope(last, up_s), Beat())
        if n == 1000:
            seq += 1
            thinned = encode_observation(envelope(None, 0), Skip(upto=seq + 2))
            yield last, topic("skip", "all"), thinned
            seq += 2
        if n == 2000:
            seq += 1
            no_level = encode_observation(envelope(last, up_s), Beat())
            yield last, topic("level", "tax-return"), no_level


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Office]:
    """The folder of a hub that heard two days, and what it believes."""
    folder = tmp_path_factory.mktemp("hub")
    journal, ingest = Journal(folder / "journal.sqlite"), Ingest([])
    belief = Belief(SITE, journal)
    for day in DAYS:
        belief.begin()
        taken = [
            belief.fold(one)
            for received_at, topic, payload in sent(day)
            for one in ingest.take(topic, payload, received_at)
        ]
        journal.commit([one.record for one in taken], list(ingest.marks.values()), Rollup())
    assert ingest.refused == {"BadPayload": 2}
    journal.close()
    return folder, belief.office


@pytest.fixture(scope="module")
def log(hub: tuple[Path, Office]) -> str:
    where = hub[0] / "log.jsonl.gz"
    command = ["hub", str(EXAMPLE), "--state", str(hub[0]), "--export", str(where)]
    assert main(command) == 0
    return gzip.decompress(where.read_bytes()).decode()


def numbers(folder: Path) -> list[str]:
    """Of all tickets in the journal, in its order."""
    journal = Journal(folder / "journal.sqlite")
    found = [
        cast("str", msgspec.json.decode(record.payload)["number"])
        for record in journal.records()
        if record.kind == "ticket"
    ]
    journal.close()
    return found


def replayed(log: str, printed: Iterator[str]) -> Office:
    """The office of a log, tickets under their printed numbers again."""
    office = Office(SITE, assume_alive=True)
    for seen, at, received_at in observations(io.StringIO(log)):
        if isinstance(seen.reading, Ticket):
            reading = msgspec.structs.replace(seen.reading, number=next(printed))
            seen = msgspec.structs.replace(seen, reading=reading)  # noqa: PLW2901
        office.fold(seen, at.timestamp(), received_at.timestamp())
    return office


def test_a_replay_of_the_log_believes_what_the_hub_believes(
    hub: tuple[Path, Office], log: str
) -> None:
    folder, office = hub
    again = replayed(log, iter(numbers(folder)))
    assert again.dump() == office.dump()
    now = datetime.fromisoformat("2026-11-25T02:00:00Z")
    assert again.results(now) == office.results(now)


def test_no_printed_number_leaves_and_a_ticket_stays_one(
    hub: tuple[Path, Office], log: str
) -> None:
    tickets = [msgspec.json.decode(text) for text in log.splitlines() if "/obs/ticket/" in text]
    told = [cast("str", line["payload"]["number"]) for line in tickets]
    printed = numbers(hub[0])
    assert not set(told) & set(printed)
    first_day = sum(line["received_at"] < "2026-11-24T15:00" for line in tickets)
    pairs = set(zip(printed[:first_day], told[:first_day], strict=True))
    assert len(pairs) == len(set(printed[:first_day])) == len(set(told[:first_day])) > 100


def test_what_was_thinned_or_refused_is_not_in_it(log: str) -> None:
    assert "/obs/skip/" not in log
    assert "/obs/level/" not in log
    assert log.count("/obs/gap/") == 1, "the new outbox of the second day, as the hub noted it"


def test_a_hub_may_be_at_work_while_it_is_written_to_the_screen(
    hub: tuple[Path, Office], log: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    journal = Journal(hub[0] / "journal.sqlite")
    journal.commit([], [], Rollup(), hub[1].dump())
    assert main(["hub", str(EXAMPLE), "--state", str(hub[0]), "--export"]) == 0
    journal.commit([], [], Rollup(), hub[1].dump())
    journal.close()
    assert capfdbinary.readouterr().out.count(b"\n") == log.count("\n")


def test_no_journal_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hub", str(EXAMPLE), "--state", str(tmp_path), "--export"]) == 66
    assert "want a hub's journal, got no file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
