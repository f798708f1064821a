"""What a year of an office takes on the disk, and what its past costs to read and to write.

    .venv/bin/python -m bench.history [--week 2026-11-30]

A week of the example office goes the hub's whole way: ingest, fold, roll-up, what was told, commit.
Cameras look as often as the site file says, day and night, and each device beats. The file is then
filled within SQLite by copies of that week, 90 days of observations and a year of roll-ups, and
measured as it lies on the disk. The heat map is of 50 zones in a file of their own, read by `Past`.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from tqdm import tqdm

from broker.hub.belief import Belief
from broker.hub.history.reading import Past
from broker.hub.history.rollup import SLOT_MS, Rollup
from broker.hub.history.sqlite import Journal, milliseconds
from broker.hub.history.told import add_came, add_results
from broker.hub.ingest import Ingest
from edge.agent import BEAT_S
from models.contract import topics
from models.contract.codec import encode_observation
from models.contract.observations import KIND_OF, Beat, Cars, Envelope, People, Reading
from models.site import Device, Site, parse
from models.world.day import Day
from models.world.office import live

EXAMPLE = Path(__file__).resolve().parents[1] / "ansible" / "sites" / "example.toml"
OF_DEVICE = {"ticket": "desk", "crossing": "cam-door", "pulse": "gates", "press": "hall"}
RAW_DAYS, YEAR_DAYS = 90, 365
PLAN_PER_S = 50  # the design's figure of an office
WANTED_GB, WANTED_MS = 0.7, 50.0
ZONES, MONTH_DAYS, TIMES = 50, 31, 21
DAY_MS = 86_400_000

Said = tuple[datetime, str, str, Reading]
"""When, by which device, of what, and what."""


def said(site: Site, day: date) -> Iterator[Said]:
    """What all devices of the office say on a day, in time order, from midnight to midnight."""
    lived = live(site, day, seed=day.toordinal())
    spoken: list[Said] = [
        (event.at, OF_DEVICE[event.kind], event.name, event.reading)
        for event in lived.events
        if event.kind in OF_DEVICE
    ]
    midnight = datetime(day.year, day.month, day.day, tzinfo=site.zone_info)
    for number, device in enumerate(site.devices):
        first = midnight + timedelta(milliseconds=137 * number)
        spoken += ((at, device.id, "all", Beat()) for at in every(first, BEAT_S))
        spoken += looks(site, device, lived, first)
    return iter(sorted(spoken, key=lambda one: one[0]))


def looks(site: Site, device: Device, lived: Day, first: datetime) -> Iterator[Said]:
    """What a device's cameras count, as often as they look."""
    capacity = {lot.id: lot.capacity for lot in site.lots}
    for sensor in device.sensors:
        if not sensor.get("zones") and not sensor.get("lots"):
            continue
        for at in every(first, sensor.get("every_s", 1.0)):
            for zone in sensor.get("zones", ()):
                there = lived.people.get(zone["zone"])
                yield at, device.id, zone["zone"], People(count=there.on(at) if there else 0)
            for lot in sensor.get("lots", ()):
                cars, name = lived.cars.get(lot["lot"]), lot["lot"]
                there = cars.on(at) if cars else 0
                yield at, device.id, name, Cars(occupied=there, seen=capacity[name])


def every(first: datetime, step_s: float) -> Iterator[datetime]:
    """From then on, for a day."""
    return (first + timedelta(seconds=n * step_s) for n in range(int(86_400 / step_s)))


def live_a_week(site: Site, journal: Journal, monday: date) -> int:
    """Write a week as the hub does, one commit each five minutes; how many observations."""
    belief, ingest = Belief(site, journal), Ingest(journal.marks())
    bar = tqdm(total=7, unit="day", desc="week", disable=None)
    count = 0
    for day in (monday + timedelta(days=n) for n in range(7)):
        slots = itertools.groupby(said(site, day), key=lambda one: milliseconds(one[0]) // SLOT_MS)
        for slot, spoken in slots:
            belief.begin()
            taken, rolled_up = [], Rollup()
            now = datetime.fromtimestamp(slot * SLOT_MS / 1000, site.zone_info)
            add_results(rolled_up, belief.office.results(now), slot * SLOT_MS)
            for at, device, name, reading in spoken:
                key = device, f"{device}-0123456789"[-12:]
                seq = ingest.acknowledged(key) + 1
                envelope = Envelope(
                    stream=key[1],
                    seq=seq,
                    boot="0b7c2f5e1a7e",
                    up_ms=milliseconds(at) % 2**31,
                    at=at,
                )
                topic = topics.observation(site.id, device, KIND_OF[type(reading)], name)
                payload = encode_observation(envelope, reading)
                taken += map(belief.fold, ingest.take(topic, payload, at + timedelta(seconds=0.05)))
            for one in taken:
                if one.observation is not None:
                    rolled_up.add(one.observation, one.record.at_ms)
            for service, came in belief.new_came():
                add_came(rolled_up, service, came)
            state = belief.office.dump() if slot % 12 == 0 else None
            journal.commit(
                [one.record for one in taken], list(ingest.marks.values()), rolled_up, state
            )
            count += len(taken)
        bar.update()
    bar.close()
    return count


def fill(journal: Journal, rows: int) -> None:
    """Copy the week until there are 90 days of observations and a year of roll-ups."""
    db = journal._db  # noqa: SLF001  rows by the million are copied within SQLite
    for week in tqdm(range(1, -(-YEAR_DAYS // 7)), unit="week", desc="year", disable=None):
        days = min(7, RAW_DAYS - 7 * week)
        db.execute("BEGIN")
        if days > 0:
            db.execute(
                "INSERT INTO observation (source, seq, received_ms, late_ms, up_ms, rest) "
                "SELECT source, seq + ?, received_ms + ?, late_ms, up_ms, rest FROM observation "
                "WHERE id <= ? AND received_ms < (SELECT min(received_ms) FROM observation) + ? "
                "ORDER BY id",
                (week * rows, week * 7 * DAY_MS, rows, days * DAY_MS),
            )
        slots, hours = week * 7 * DAY_MS // SLOT_MS, week * 7 * 24
        db.execute(
            "INSERT INTO cell SELECT series, slot + ?, count, sum, min, max, last, last_ms + ? "
            "FROM cell WHERE slot < (SELECT min(slot) FROM cell) + ?",
            (slots, week * 7 * DAY_MS, 7 * DAY_MS // SLOT_MS),
        )
        db.execute(
            "INSERT INTO hour SELECT series, hour + ?, count, sum FROM hour "
            "WHERE hour < (SELECT min(hour) FROM hour) + ?",
            (hours, 7 * 24),
        )
        db.execute("COMMIT")


def year(folder: Path, site: Site, monday: date) -> float:
    """Build the file, tell of what it is made, and how large it is in GB."""
    path = folder / "journal.sqlite"
    journal = Journal(path)
    rows = live_a_week(site, journal, monday)
    fill(journal, rows)
    journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001
    counts = {
        table: journal._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608, SLF001
        for table in ("observation", "cell", "hour", "series")
    }
    told_cells = journal._db.execute(  # noqa: SLF001
        "SELECT count(*) FROM cell JOIN series ON id = series "
        "WHERE kind IN ('service', 'lot', 'zone')"
    ).fetchone()[0]
    journal.close()
    size_gb = path.stat().st_size / 1e9
    per_s = rows / 7 / 86_400
    print(
        f"{len(site.devices)} devices say {rows / 7:,.0f} observations a day, {per_s:.2f} a second"
    )
    print(
        f"{counts['observation']:,} observations of {RAW_DAYS} days, {counts['cell']:,} cells of a "
        f"year (of what was told {told_cells:,}) in {counts['series']} series, {counts['hour']:,} "
        f"hours: {size_gb:.3f} GB, wanted <= {WANTED_GB}"
    )
    row_b = size_gb * 1e9 / (counts["observation"] + counts["cell"] + counts["hour"])
    planned = PLAN_PER_S * 86_400 * RAW_DAYS * row_b / 1e9
    print(
        f"{row_b:.0f} bytes a row; at {PLAN_PER_S} a second (the plan's figure) {RAW_DAYS} days of "
        f"observations alone would be {planned:.0f} GB, extrapolated"
    )
    return size_gb


def heat_map(folder: Path, site: Site) -> float:
    """The milliseconds of a month's heat map of 50 zones."""
    first = date(2026, 10, 1)
    begin_ms = milliseconds(datetime(2026, 10, 1, tzinfo=site.zone_info))
    journal = Journal(folder / "heat.sqlite")
    for slot in tqdm(range(MONTH_DAYS * 288), unit="slot", desc="month", disable=None):
        rolled_up = Rollup()
        for zone in range(ZONES):
            for look in range(2):
                at_ms = begin_ms + slot * SLOT_MS + look * SLOT_MS // 2
                rolled_up.count("people", f"zone-{zone}", "count", (slot * 7 + zone) % 60, at_ms)
        journal.commit([], [], rolled_up)
    journal.close()
    with Past(folder / "heat.sqlite") as past:

        def read() -> None:
            found = past.heat(
                "people", "count", first, first + timedelta(days=MONTH_DAYS), site.zone_info
            )
            assert len(found) == ZONES  # noqa: S101  else nothing was measured

        wall_ms, cpu_ms = timed(read)
    print(
        f"a month's heat map of {ZONES} zones ({ZONES * MONTH_DAYS * 288:,} cells): {wall_ms:.1f} "
        f"ms, {cpu_ms:.1f} ms of CPU (medians of {TIMES}), wanted <= {WANTED_MS:.0f}"
    )
    return wall_ms


def told_cost(folder: Path, site: Site, monday: date) -> None:
    """What one sample of what is told adds to a commit."""
    journal = Journal(folder / "told.sqlite")
    belief, ingest = Belief(site, journal), Ingest([])
    now = datetime(monday.year, monday.month, monday.day, 10, tzinfo=site.zone_info)
    for at, device, name, reading in said(site, monday):
        if at < now:
            seq = ingest.acknowledged((device, "s")) + 1
            envelope = Envelope(
                stream="s", seq=seq, boot="b", up_ms=milliseconds(at) % 2**31, at=at
            )
            topic = topics.observation(site.id, device, KIND_OF[type(reading)], name)
            for one in ingest.take(topic, encode_observation(envelope, reading), at):
                belief.fold(one)
        belief.begin()
    results, slots = belief.office.results(now), itertools.count(milliseconds(now) // SLOT_MS)

    def commit(*, told: bool) -> None:
        rolled_up = Rollup()
        if told:
            add_results(rolled_up, results, next(slots) * SLOT_MS)
        journal.commit([], list(ingest.marks.values()), rolled_up)

    fresh = {key: result for key, result in results.items() if "/" in key}
    with_ms, without_ms = (timed(lambda told=told: commit(told=told)) for told in (True, False))
    journal.close()
    print(
        f"a sample of what is told ({len(fresh)} results), once in 5 minutes: a commit takes "
        f"{with_ms[0]:.2f} ms instead of {without_ms[0]:.2f}, {with_ms[1]:.2f} ms of CPU instead "
        f"of {without_ms[1]:.2f} (medians of {TIMES})"
    )


def timed(run: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds on the wall and of the processor, medians."""
    wall, used = [], []
    for _ in range(TIMES):
        wall_s, used_s = time.perf_counter(), time.process_time()
        run()
        wall.append(1000 * (time.perf_counter() - wall_s))
        used.append(1000 * (time.process_time() - used_s))
    return statistics.median(wall), statistics.median(used)


def main() -> int:
    """Build, measure, tell; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--week", type=date.fromisoformat, default=date(2026, 11, 30))
    monday = parser.parse_args().week
    site = parse(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name)
    with tempfile.TemporaryDirectory(prefix="machiai-bench-") as name:
        heat_ms = heat_map(Path(name), site)
        told_cost(Path(name), site, monday)
        size_gb = year(Path(name), site, monday)
    return int(heat_ms > WANTED_MS or size_gb > WANTED_GB)


if __name__ == "__main__":
    raise SystemExit(main())
