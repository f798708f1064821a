"""An audit that could find nothing would be worth nothing: each thing that must not be, put in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Mark, Record, from_milliseconds, milliseconds
from models.contract.codec import decode_reading, encode_observation
from models.contract.observations import Envelope, Observation, Pulse
from models.site import parse
from models.state.office import Office
from tests.chaos.audit import Audit, inspect, number_of
from tests.chaos.office import site_text

SITE = parse(site_text(1))
START = datetime(2026, 11, 24, 1, tzinfo=UTC)
WHOLE = [(1, 1), (2, 2), (3, 3), (4, 4)]
"""Places in the stream, and which event stands there."""


def record(seq: int, event: int, total: int) -> Record:
    at = START + timedelta(milliseconds=event)
    envelope = Envelope(stream="s", seq=seq, boot="b", up_ms=event, at=at)
    payload = encode_observation(envelope, Pulse(direction="in", total=total))
    return Record(
        device="agent-0",
        stream="s",
        seq=seq,
        kind="pulse",
        name="gate-0",
        at_ms=milliseconds(at),
        received_ms=milliseconds(at),
        payload=payload,
    )


def audited(
    folder: Path, places: list[tuple[int, int]], *, gone: int = 0, acked: int = 4, forgot: int = 0
) -> Audit:
    """A journal with these places, of an agent that has promised the events 1 to 4."""
    records = [record(seq, event, total) for total, (seq, event) in enumerate(places, 1)]
    office = Office(SITE)
    for one in records[: len(records) - forgot]:
        observation = Observation(
            site=SITE.id,
            device=one.device,
            kind=one.kind,
            name=one.name,
            envelope=Envelope(
                stream="s", seq=one.seq, boot="b", up_ms=0, at=from_milliseconds(one.at_ms)
            ),
            reading=decode_reading(one.kind, one.payload),
        )
        office.fold(observation, one.at_ms / 1000, one.received_ms / 1000)
    journal = Journal(folder / "journal.sqlite")
    mark = Mark(device="agent-0", stream="s", seq=places[-1][0])
    journal.commit(records, [mark], Rollup(), office.dump())
    journal.close()
    ledger = folder / "ledger"
    numbers = {event: number_of(record(1, event, 1).payload) for event in range(5)}
    ledger.write_text("".join(f"{numbers[event]}\n" for event in range(1, 5)) + "end\n")
    return inspect(
        SITE,
        folder / "journal.sqlite",
        {"agent-0": ledger},
        {"agent-0": {numbers[gone]}},
        {("agent-0", "s"): acked},
    )


def test_a_whole_journal_is_clean(tmp_path: Path) -> None:
    audit = audited(tmp_path, WHOLE)
    assert audit.is_clean, audit.wrong
    assert (audit.events, audit.promised) == (4, 4)


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ([(1, 1), (2, 2), (4, 4)], {"lost": 1, "doubled": 0, "holes": 1}),
        ([(1, 1), (2, 2), (3, 4)], {"lost": 1, "doubled": 0, "holes": 0}),
        ([*WHOLE, (5, 4)], {"lost": 0, "doubled": 1, "holes": 0}),
        ([*WHOLE, (4, 4)], {"lost": 0, "doubled": 2, "holes": 0}),
        ([*WHOLE, (5, 0)], {"lost": 0, "doubled": 0, "holes": 0, "extra": 1}),
    ],
    ids=["lost", "lost and renumbered", "counted again", "journalled again", "never promised"],
)
def test_what_must_not_be_is_found(
    tmp_path: Path, places: list[tuple[int, int]], found: dict[str, int]
) -> None:
    audit = audited(tmp_path, places, acked=3)
    assert {name: getattr(audit, name) for name in found} == found
    assert audit.is_clean == (not (audit.lost or audit.doubled))


def test_only_what_was_on_the_lost_part_of_a_disk_is_excused(tmp_path: Path) -> None:
    audit = audited(tmp_path, [(1, 1), (2, 2), (3, 4)], gone=3, acked=3)
    assert (audit.lost, audit.rolled_back) == (0, 1)


def test_an_ack_of_what_is_not_durable_is_found(tmp_path: Path) -> None:
    assert any("acknowledged 5" in line for line in audited(tmp_path, WHOLE, acked=5).wrong)


def test_a_state_that_is_not_the_journals_is_found(tmp_path: Path) -> None:
    assert any("folds to" in line for line in audited(tmp_path, WHOLE, forgot=1).wrong)
