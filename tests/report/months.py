"""Months of the example office as a hub keeps them: a journal for reports, without waiting for it.

    .venv/bin/python -m tests.report.months --out var/months [--last 2026-10] [--months 3]

Days of the synthetic office are observed by the devices of the site file, folded by the hub's own
fold, sampled every five minutes as the hub does, and rolled up into a real journal, in minutes
for three months. In it are a change (from 15 September 2026 on people come more evenly), a camera
that is silent for two days, a ticket machine that is cut for an hour and a half each month, and
five days of the same month one year before. Tickets and counters stand in the journal themselves
as well, so that a report can play the counters again; counts by cameras and beats are in the
roll-ups alone.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tqdm import tqdm

from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Mark, Record, milliseconds
from broker.hub.history.told import add_came, add_results
from broker.hub.hub import JOURNAL
from models.calendar import Calendar
from models.contract.codec import encode_observation
from models.contract.observations import Beat, Envelope, Gap, Observation, Reading
from models.report.plan import Plan, month_before, month_of, year_before
from models.site import Site, parse
from models.state.office import Office
from models.world.laws import Params
from models.world.office import live

EXAMPLE = Path(__file__).resolve().parents[2] / "ansible/sites/example.toml"
CHANGE = date(2026, 9, 15)
LEVELLED = Params(
    profile=((8.0, 0.9), (10.0, 0.95), (12.0, 0.95), (13.0, 1.0), (16.0, 0.9), (17.0, 0.75)),
    slack=0.24,
    lot_load=0.84,
)
"""About as many people as before, more evenly."""

_LEARNT_DAYS = 10
_LAST_YEAR_DAYS = 5
_EVERY = timedelta(minutes=5)
_BEAT = timedelta(minutes=1)
_BOOT = timedelta(hours=1)  # before the office opens, and after it shuts, devices are heard
_KEPT = ("ticket", "counter", "gap")

Cut = tuple[datetime, datetime]


def main() -> int:
    """Write the journal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("var/months"))
    parser.add_argument("--last", default="2026-10", help="the last month (2026-10)")
    parser.add_argument("--months", type=int, default=3)
    arguments = parser.parse_args()
    site = parse(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name)
    plan, last = Plan(site), month_of(arguments.last)
    first = last
    for _ in range(arguments.months - 1):
        first = month_before(first)
    days = [d for d in year_before(last).days() if plan.is_open(d)][:_LAST_YEAR_DAYS]
    path = arguments.out / JOURNAL
    path.unlink(missing_ok=True)
    write(path, site, days)
    whole = [first.first + timedelta(n) for n in range((last.last - first.first).days + 1)]
    write(path, site, [day for day in whole if plan.is_open(day)])
    sys.stdout.write(f"{path}: {path.stat().st_size / 2**20:.0f} MiB\n")
    return 0


def write(
    path: Path,
    site: Site,
    days: list[date],
    *,
    change: date | None = CHANGE,
    learnt: int = _LEARNT_DAYS,
) -> None:
    """Live these days, and add them to a journal as a hub would have.

    Args:
        path: the journal; it may hold other days already.
        site: the office.
        days: open ones.
        change: from this day on people come more evenly.
        learnt: days that are lived before, of which nothing is kept but what they taught.
    """
    office, journal = Office(site), Journal(path)
    calendar, heard = Calendar(site), devices(site)
    seqs = {mark.device: mark.seq for mark in journal.marks()}
    warm = [days[0] - timedelta(n) for n in range(2 * learnt + 7, 0, -1)]
    for day in [d for d in warm if calendar.office(d)][-learnt:]:
        for _ in _lived(office, site, day, heard, change, seqs):
            pass
    office.new_came()
    for day in tqdm(days, unit="day", desc=f"{days[0]} to {days[-1]}", disable=None):
        rolled_up, records = Rollup(), []
        for seen, at in _lived(office, site, day, heard, change, seqs):
            if seen is None:
                add_results(rolled_up, office.results(at), milliseconds(at))
                continue
            rolled_up.add(seen, milliseconds(at))
            if seen.kind in _KEPT:
                records.append(_record(seen, milliseconds(at)))
        for service, came in office.new_came():
            add_came(rolled_up, service, came)
        marks = [Mark(device=device, stream="lived", seq=seq) for device, seq in seqs.items()]
        journal.commit(records, marks, rolled_up)
    journal.commit([], [], Rollup(), office.dump())
    journal.close()


def devices(site: Site) -> dict[tuple[str, str], str]:
    """Which device says what, by kind and name, as the site file wires them."""
    found: dict[tuple[str, str], str] = {}
    counters = {s.id: s.counters for s in site.services}
    for device in site.devices:
        for sensor in device.sensors:
            names: list[tuple[str, str]] = []
            if sensor["kind"] == "ticket":
                services = list(sensor.get("services", {}).values())
                names += [("ticket", s) for s in services]
                names += [("counter", c) for s in services for c in counters[s]]
            if sensor["kind"] == "camera":
                names += [("people", one["zone"]) for one in sensor.get("zones", ())]
                names += [("crossing", one["line"]) for one in sensor.get("lines", ())]
                names += [("cars", one["lot"]) for one in sensor.get("lots", ())]
            if sensor["kind"] == "gate":
                names.append(("pulse", sensor["gate"]))
            if sensor["kind"] == "button":
                names.append(("press", sensor["button"]))
            found |= dict.fromkeys(names, device.id)
    return found


def cuts(site: Site, day: date, plan: Plan) -> dict[str, Cut]:
    """When which device is silent on a day."""
    third = [d for d in plan.open_days(month_of(f"{day:%Y-%m}")) if d <= day]
    zone = site.zone_info
    at = {
        hour: datetime(day.year, day.month, day.day, int(hour), int(hour % 1 * 60), tzinfo=zone)
        for hour in (0.0, 13.5, 15.0, 23.0)
    }
    if len(third) in {8, 9}:
        return {"cam-lobby": (at[0.0], at[23.0])}
    return {"desk": (at[13.5], at[15.0])} if len(third) == 14 else {}


def _lived(  # noqa: PLR0917  a day of all
    office: Office,
    site: Site,
    day: date,
    heard: Mapping[tuple[str, str], str],
    change: date | None,
    seqs: dict[str, int],
) -> Iterator[tuple[Observation | None, datetime]]:
    """What is folded on a day, and None whenever results are due; in time order."""
    plan = Plan(site)
    params = LEVELLED if change is not None and day >= change else Params()
    silent = cuts(site, day, plan)
    said: list[tuple[datetime, str, str, str, Reading]] = []
    for event in live(site, day, 10, params).events:
        device = heard.get((event.kind, event.name))
        if device is not None:
            said.append((event.at, device, event.kind, event.name, event.reading))
    said = [one for one in said if one[2] != "cars" or one[0].second < 30]  # once a minute will do
    opens, shuts = (edge.astimezone(UTC) for edge in plan.calendar.office(day)[0])
    for device in (one.id for one in site.devices):
        at = opens - _BOOT
        while at < shuts + 3 * _BOOT:
            said.append((at, device, "beat", "all", Beat()))
            at += _BEAT
    said = [one for one in said if not _is_cut(silent.get(one[1]), one[0])]
    for device, (since, until) in silent.items():
        if until < shuts:
            gap = Gap(since=since.astimezone(UTC), why="the agent was stopped")
            said.append((until.astimezone(UTC), device, "gap", "all", gap))
    due = opens - _BOOT
    for number, (at, device, kind, name, reading) in enumerate(sorted(said, key=_in_time), 1):
        while due <= at:
            yield None, due
            due += _EVERY
        seqs[device] = seqs.get(device, 0) + 1
        envelope = Envelope(at=at, boot="lived", stream="lived", seq=seqs[device], up_ms=number)
        seen = Observation(
            site=site.id, device=device, kind=kind, name=name, envelope=envelope, reading=reading
        )
        office.fold(seen, at.timestamp(), at.timestamp())
        yield seen, at


def _in_time(one: tuple[datetime, str, str, str, Reading]) -> datetime:
    return one[0]


def _is_cut(cut: Cut | None, at: datetime) -> bool:
    return cut is not None and cut[0] <= at < cut[1]


def _record(seen: Observation, at_ms: int) -> Record:
    return Record(
        device=seen.device,
        stream="lived",
        seq=seen.envelope.seq,
        kind=seen.kind,
        name=seen.name,
        at_ms=at_ms,
        received_ms=at_ms,
        payload=encode_observation(seen.envelope, seen.reading),
    )


if __name__ == "__main__":
    raise SystemExit(main())
