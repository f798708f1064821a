"""Of what the hub told, a sample a slot is kept; and how true each told wait was, once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.hub.belief import Belief
from broker.hub.history.reading import Past
from broker.hub.history.rollup import SLOT_MS, Rollup
from broker.hub.history.sqlite import Journal, milliseconds
from broker.hub.history.told import add_came, add_results
from broker.hub.ingest import Ingest
from models.contract import topics
from models.contract.codec import encode_observation
from models.contract.observations import KIND_OF, Envelope, Reading, Ticket
from models.contract.results import Free, LotResult, Result, ServiceResult, Spread, ZoneResult
from models.state.accuracy import Came
from tests.broker.rig import SITE

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
UNTIL = TEN + timedelta(days=1)
OPEN = ServiceResult(
    at=TEN,
    valid_until=UNTIL,
    state="open",
    level=2,
    waiting=7,
    counters_open=3,
    wait=Spread(p10_s=60, p50_s=300, p90_s=900),
)
CLOSED = ServiceResult(at=TEN, valid_until=UNTIL, state="closed")
LOT = LotResult(
    at=TEN,
    valid_until=UNTIL,
    state="open",
    vacancy="few",
    free=Free(p10=1, p50=3, p90=5),
    capacity=40,
)
ZONE = ZoneResult(at=TEN, valid_until=UNTIL, state="open", people=9, capacity=60, over=False)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


def tell(journal: Journal, results: dict[str, Result], at: datetime = TEN) -> None:
    """One sample, in a commit of its own."""
    rolled_up = Rollup()
    add_results(rolled_up, results, milliseconds(at))
    journal.commit([], [], rolled_up)


def kept(journal: Journal) -> dict[tuple[int, str, str], dict[str, tuple[int, float]]]:
    """Count and last by measure, by minute after ten, kind and name."""
    first = milliseconds(TEN) // SLOT_MS
    found: dict[tuple[int, str, str], dict[str, tuple[int, float]]] = {}
    for slot, kind, name, measure, count, last in journal._db.execute(
        "SELECT slot, kind, name, measure, count, last FROM rollup"
    ):
        found.setdefault(((slot - first) * 5, kind, name), {})[measure] = (count, last)
    return found


def test_what_is_told_of_each_kind(journal: Journal) -> None:
    tell(journal, {"service/tax": OPEN, "lot/front": LOT, "zone/lobby": ZONE})
    assert kept(journal) == {
        (0, "service", "tax"): {
            "open": (1, 1),
            "no_data": (1, 0),
            "waiting": (1, 7),
            "level": (1, 2),
            "counters_open": (1, 3),
            "wait_p10_s": (1, 60),
            "wait_p50_s": (1, 300),
            "wait_p90_s": (1, 900),
        },
        (0, "lot", "front"): {
            "open": (1, 1),
            "no_data": (1, 0),
            "free": (1, 3),
            "full": (1, 0),
            "few": (1, 1),
            "capacity": (1, 40),
        },
        (0, "zone", "lobby"): {
            "open": (1, 1),
            "no_data": (1, 0),
            "people": (1, 9),
            "over": (1, 0),
        },
    }


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            ServiceResult(at=TEN, valid_until=UNTIL, state="no_data"),
            {"open": (1, 1), "no_data": (1, 1)},
        ),
        (
            ServiceResult(at=TEN, valid_until=TEN, state="open", waiting=4),
            {"open": (1, 1), "no_data": (1, 1)},
        ),
        (
            ServiceResult(at=TEN, valid_until=UNTIL, state="paused", waiting=4),
            {"open": (1, 0), "no_data": (1, 0), "waiting": (1, 4)},
        ),
        (
            ServiceResult(at=TEN, valid_until=UNTIL, state="closed", waiting=4),
            {"open": (1, 0), "waiting": (1, 4)},
        ),
    ],
    ids=["nobody knows", "no more valid", "paused", "closed while some wait"],
)
def test_what_is_not_known_or_not_open(
    journal: Journal, result: ServiceResult, expected: dict[str, tuple[int, float]]
) -> None:
    tell(journal, {"service/tax": result})
    assert kept(journal) == {(0, "service", "tax"): expected}


def test_what_is_closed_is_kept_once_an_hour(journal: Journal) -> None:
    for minute in range(0, 180, 5):
        tell(journal, {"service/tax": CLOSED}, TEN + timedelta(minutes=minute))
    closed = {"open": (1, 0.0)}
    assert kept(journal) == {(m, "service", "tax"): closed for m in (0, 60, 120)}


def test_a_second_sample_of_a_slot_is_not_taken(journal: Journal, tmp_path: Path) -> None:
    """A hub that starts anew in the middle of a slot finds it told."""
    tell(journal, {"service/tax": OPEN})
    journal.close()
    again = Journal(tmp_path / "journal.sqlite")
    tell(again, {"service/tax": CLOSED, "lot/front": LOT}, TEN + timedelta(minutes=4))
    assert set(kept(again)) == {(0, "service", "tax")}
    assert kept(again)[0, "service", "tax"]["open"] == (1, 1)
    add_came(came := Rollup(), "tax", Came(OPEN.wait, 400.0, TEN.timestamp() + 30))  # type: ignore[arg-type]
    again.commit([], [], came)
    tell(again, {"service/tax": OPEN}, TEN + timedelta(minutes=5))
    assert len(kept(again)) == 2


def test_calls_forecasts_and_notices_are_no_samples(journal: Journal) -> None:
    tell(journal, {"calls": Result(at=TEN, valid_until=UNTIL)})
    assert not kept(journal)
    assert not Rollup()


def test_a_disk_that_refuses_for_long_fills_no_memory() -> None:
    rolled_up = Rollup()
    for minute in range(0, 5 * 5000, 5):
        add_results(rolled_up, {"service/tax": OPEN}, milliseconds(TEN + timedelta(minutes=minute)))
    assert len(rolled_up._told) == 288


def test_how_true_a_told_wait_was(journal: Journal) -> None:
    told = Spread(p10_s=60, p50_s=300, p90_s=900)
    rolled_up = Rollup()
    for came_s in (200.0, 1000.0):
        add_came(rolled_up, "tax", Came(told, came_s, TEN.timestamp() + 299.9))
    journal.commit([], [], rolled_up)
    found = journal._db.execute("SELECT measure, count, sum FROM rollup").fetchall()
    assert sorted(found) == [("came_s", 2, 1200), ("error_s", 2, 800), ("within", 2, 1)]


def story(journal: Journal, minutes: range) -> None:
    """Tickets that are issued each minute and called five minutes later, as the hub keeps them."""
    belief, ingest = Belief(SITE, journal), Ingest(journal.marks())
    for minute in minutes:
        belief.begin()
        taken = []
        said: list[Reading] = [Ticket(number=f"A{minute}", event="issued")]
        if minute >= 5:
            said.append(Ticket(number=f"A{minute - 5}", event="called", counter="c1"))
        at = TEN + timedelta(minutes=minute)
        for reading in said:
            seq = ingest.acknowledged(("pi", "s")) + 1
            envelope = Envelope(stream="s", seq=seq, boot="b", up_ms=0, at=at)
            topic = topics.observation("rig", "pi", KIND_OF[type(reading)], "tax")
            taken += [
                belief.fold(one)
                for one in ingest.take(topic, encode_observation(envelope, reading), at)
            ]
        rolled_up = Rollup()
        for name, came in belief.new_came():
            add_came(rolled_up, name, came)
        state = belief.office.dump() if minute % 20 == 0 else None
        journal.commit([t.record for t in taken], list(ingest.marks.values()), rolled_up, state)
    journal.close()


def test_restarts_neither_double_nor_lose_a_told_wait(tmp_path: Path) -> None:
    """What is folded again behind the snapshot was scored, and kept, with its own commit."""
    whole, cut = tmp_path / "whole.sqlite", tmp_path / "cut.sqlite"
    story(Journal(whole), range(60))
    for part in (range(13), range(13, 35), range(35, 60)):
        story(Journal(cut), part)
    span = milliseconds(TEN), milliseconds(UNTIL)
    with Past(whole) as one, Past(cut) as other:
        scored = one.cells("service", "error_s", *span)
        assert sum(cell.count for cell in scored) > 10
        for measure in ("error_s", "within", "came_s"):
            assert one.cells("service", measure, *span) == other.cells("service", measure, *span)
