"""What a year of learning takes: memory, its dump, and what an estimate costs then.

    .venv/bin/python -m bench.year [--days 365]

The example office lives that long in this process, as in the hub's: tickets, counters, doorway,
gates, people in the lobby each minute and parked cars every five. Printed are the resident memory
at each tenth of the year, the size of the dump, and the processor time of what is asked then.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from tqdm import tqdm

from broker.past import observations
from models.site import parse
from models.state.office import Office

EXAMPLE = Path(__file__).resolve().parents[1] / "ansible/sites/example.toml"
FIRST = date(2026, 4, 1)
ASKED, ASKED_AT = 20, 11  # times; o'clock on the last day


def main() -> int:
    """Live, and print what it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=365)
    days = parser.parse_args().days
    site = parse(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name)
    office, folded = Office(site, assume_alive=True), 0
    sizes = [_rss_mb()]
    now = datetime.min.replace(tzinfo=UTC)
    for number in tqdm(range(days), unit="day"):
        for seen in observations(site, FIRST + timedelta(days=number), number):
            at = seen.envelope.at or now
            if number == days - 1 and at.astimezone(site.zone_info).hour >= ASKED_AT:
                break
            folded += 1
            office.fold(seen, at.timestamp(), at.timestamp())
            now = at
        if (number + 1) % max(days // 10, 1) == 0:
            sizes.append(_rss_mb())
    print(f"{folded:,} observations; resident MB at the start and at each tenth:")
    print("  ".join(f"{size:.0f}" for size in sizes))
    dump = office.dump()
    load_ms = _ms(lambda: Office.load(site, dump))
    print(f"dump {len(dump) / 1024:.0f} KiB, read back in {load_ms:.0f} ms")
    print(f"{len(office.results(now))} results in {_ms(lambda: office.results(now)):.1f} ms")
    for service in site.services:
        cost_ms = _ms(partial(office.wait, service.id, now))
        wait, basis = office.wait(service.id, now), office.basis(service.id, now)
        told = f"{wait.p50_s / 60:.0f} min by {basis}" if wait else "not known"
        print(f"wait of {service.id}: {told}, in {cost_ms:.1f} ms")
    return 0


def _rss_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _ms(asked: Callable[[], object]) -> float:
    start_s = time.process_time()
    for _ in range(ASKED):
        asked()
    return 1000 * (time.process_time() - start_s) / ASKED


if __name__ == "__main__":
    raise SystemExit(main())
