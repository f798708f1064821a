"""How fast a hub starts again on a year of an office: python -m bench.restart --rows 3000000.

It writes a journal as the hub does: raw rows of 90 days, roll-ups of a year, a snapshot, and behind
it more rows than a kill can leave. Then it starts new processes on it, imports included.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tqdm import tqdm

from broker.hub.belief import Belief
from broker.hub.history.rollup import SLOT_MS, Rollup
from broker.hub.history.sqlite import Journal, milliseconds
from broker.hub.ingest import Ingest, Taken
from models.contract import topics
from models.contract.codec import encode_observation
from models.contract.observations import Envelope
from models.site import Site, parse
from models.world.office import live

EXAMPLE = Path(__file__).resolve().parent.parent / "ansible" / "sites" / "example.toml"
END = datetime(2026, 11, 24, 8, tzinfo=UTC)
BEHIND = 4000
"""Rows behind the snapshot: the hub saves one after 2,000, and a commit has at most 2,000."""
OFFICE_DAYS = 245
WANTED_S = 2.0
RESTART = """
import sys
from pathlib import Path
from broker.clock import Clock
from broker.hub.hub import Hub
from broker.session import Address
from models.site import parse
site = parse(Path(sys.argv[2]).read_text(encoding="utf-8"))
hub = Hub(site, Clock(), Address(host="127.0.0.1", port=1), Path(sys.argv[1]))
"""


def a_day(site: Site) -> list[Taken]:
    """One day of the synthetic office, as the hub takes it."""
    ingest = Ingest([])
    taken: list[Taken] = []
    for seq, event in enumerate(live(site, END.date(), 1).events, 1):
        envelope = Envelope(stream="s", seq=seq, boot="b", up_ms=0, at=event.at)
        topic = topics.observation(site.site.id, "pi", event.kind, event.name)
        payload = encode_observation(envelope, event.reading)
        taken += ingest.take(topic, payload, max(event.at, END - timedelta(days=1)))
    return taken


def build(folder: Path, site: Site, rows: int) -> Path:
    """Write the journal."""
    path = folder / "journal.sqlite"
    journal = Journal(path)
    day = a_day(site)
    rolled_up, belief = Rollup(), Belief(site, journal)
    for one in day:
        belief.fold(one)
        if one.observation is not None:
            rolled_up.add(one.observation, one.record.at_ms)
    ingest = Ingest([])
    ingest.take(topics.observation(site.site.id, "pi", "beat", "all"), day[0].record.payload, END)
    marks = list(ingest.marks.values())
    journal.commit([one.record for one in day], marks, rolled_up)
    db = journal._db  # noqa: SLF001  rows by the million are copied within SQLite
    copy = (
        "INSERT INTO observation (source, seq, received_ms, late_ms, up_ms, rest) SELECT "
        "source, seq + ?, received_ms, late_ms, up_ms, rest FROM observation WHERE id <= ?"
    )
    with tqdm(total=rows, unit="row", desc="journal", disable=None) as bar:
        for first in range(len(day), rows - BEHIND, len(day)):
            db.execute(copy, (first, len(day)))
            bar.update(len(day))
    for n in tqdm(range(1, OFFICE_DAYS), unit="day", desc="roll-ups", disable=None):
        db.execute(
            "INSERT INTO cell SELECT series, slot - ?, count, sum, min, max, last, last_ms "
            "FROM cell WHERE slot > ?",
            (n * 86_400_000 // SLOT_MS, milliseconds(END - timedelta(hours=17)) // SLOT_MS),
        )
    journal.commit([], [], Rollup(), belief.office.dump())
    db.execute(copy, (rows, min(BEHIND, len(day))))
    return path


def main() -> int:
    """Build, restart, tell; 1 if a restart takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="raw rows of the last 90 days")
    parser.add_argument("--times", type=int, default=5, help="how often to restart")
    asked = parser.parse_args()
    site = parse(EXAMPLE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        path = build(Path(temporary), site, asked.rows)
        took_s = []
        for _ in range(asked.times):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", RESTART, temporary, str(EXAMPLE)], check=True)
            took_s.append(time.perf_counter() - started)
        size_mb = path.stat().st_size / 1e6
    print(
        f"{asked.rows} rows, {OFFICE_DAYS} days of roll-ups, {size_mb:.0f} MB, {BEHIND} rows "
        f"behind the snapshot: restart {statistics.median(took_s):.2f} s (median of "
        f"{asked.times}), at most {max(took_s):.2f} s, wanted < {WANTED_S} s"
    )
    return int(max(took_s) >= WANTED_S)


if __name__ == "__main__":
    raise SystemExit(main())
