"""A hub that starts again: from the last snapshot, whatever stands in the journal before it."""

import time
from pathlib import Path

from bench.restart import BEHIND, EXAMPLE, WANTED_S, build
from broker.hub.belief import Belief
from broker.hub.history.sqlite import Journal
from models.contract.codec import decode_observation
from models.contract.topics import observation as topic_of
from models.site import parse
from models.state.office import Office


def test_a_journal_of_some_days_opens_at_once_and_nothing_is_folded_twice(tmp_path: Path) -> None:
    """The figure for a year: `python -m bench.restart --rows 3000000`."""
    site = parse(EXAMPLE.read_text(encoding="utf-8"))
    build(tmp_path, site, 40_000)
    started = time.perf_counter()
    journal = Journal(tmp_path / "journal.sqlite")
    restored = Belief(site, journal).office
    took_s = time.perf_counter() - started
    snapshot = journal.snapshot()
    assert snapshot is not None
    after, state = snapshot
    behind = list(journal.records(after))
    assert len(behind) == BEHIND
    office = Office.load(site, state)
    for record in behind:
        topic = topic_of(site.site.id, record.device, record.kind, record.name)
        seen = decode_observation(topic, record.payload)
        office.fold(seen, record.at_ms / 1000, record.received_ms / 1000)
    journal.close()
    assert restored.dump() == office.dump()
    assert took_s < WANTED_S
