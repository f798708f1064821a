"""What the formula for polled displays is worth on queues that it was not fitted to.

    .venv/bin/python -m tests.referee.queues ../shared/referee/sets/queue-public

Its powers are fitted to every second scenario and tried on the others, and the other way round.
Asked is as the referee asks: whenever somebody new stands last in a line. Days that the referee
asks nothing of (all but the last three) are shown apart.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from broker.replay import observations, opened
from models.contract.observations import Queue
from models.site import parse
from models.state.displays import Display
from models.state.plan import Plans
from models.wait import queue_length
from models.wait.durations import Floats
from models.wait.queue_length import PACE_S, POWERS, Powers

_FIRST_DAYS = 2  # on which nothing is learnt yet
_PAUSE_S = 900.0
_WEIGHT_S = (120.0, 6000.0)


class Told(NamedTuple):
    """One ask: the day's number, seconds told and true, and what the powers are fitted to."""

    day: int
    asked: bool
    p10_s: float
    p50_s: float
    p90_s: float
    wait_s: float
    seen: tuple[float, ...]


def tell(folder: Path) -> Iterator[Told]:
    """Everything that a display told and that came true."""
    site = parse((folder / "site.toml").read_text(encoding="utf-8"), "site.toml")
    plans, display, days = Plans(site), Display(), [0.0]
    service_s = site.services[0].service_minutes * 60.0
    with (folder / "ask.csv").open(encoding="utf-8") as file:
        first = min(row["at"] for row in csv.DictReader(file))
    with opened(folder / "log.jsonl.gz") as log:
        looks = [
            (at.timestamp(), seen.reading)
            for seen, at, _ in observations(log)
            if isinstance(seen.reading, Queue)
        ]
    waits = came(looks)
    for at_s, reading in looks:
        day_s = plans.at(at_s).start_s
        if day_s != days[-1]:
            days.append(day_s)
            display.begin_day()
        display.show(reading, at_s, day_s, service_s)
        if at_s not in waits or not display.looks:
            continue
        spread = display.told(reading.waiting, day_s, service_s)
        if spread is None:
            continue
        calling = display.calling
        usual_s = calling.usual_s(service_s / max(calling.usual_open() or 1.0, 1.0))
        shares = calling.today_share(usual_s), calling.hour_share(usual_s, at_s - day_s)
        seen = queue_length.by_line(reading.waiting), *np.log([usual_s / PACE_S, *shares])
        asked = datetime.fromtimestamp(at_s, UTC).isoformat() > first[:19]
        p10_s, p50_s, p90_s = spread.p10_s, spread.p50_s, spread.p90_s
        yield Told(len(days) - 1, asked, p10_s, p50_s, p90_s, waits[at_s], (1.0, *seen))


def came(looks: list[tuple[float, Queue]]) -> dict[float, float]:
    """True waits in seconds of who stood last and was new, by when they were seen."""
    found: dict[float, float] = {}
    waiting: list[tuple[float, int]] = []
    before_s, number, last = 0.0, -1, 0
    for at_s, reading in looks:
        digits = "".join(filter(str.isdigit, reading.called or ""))
        if not digits:
            continue
        now = int(digits)
        if at_s - before_s > _PAUSE_S or now < number:
            waiting, last = [], now
        while waiting and waiting[0][1] <= now:
            seen_s, own = waiting.pop(0)
            found[seen_s] = before_s + (at_s - before_s) * (own - number) / (now - number) - seen_s
        if reading.waiting and now + reading.waiting > last:
            last = now + reading.waiting
            waiting.append((at_s, last))
        before_s, number = at_s, now
    return found


def fitted(told: list[Told]) -> Powers:
    """The powers with the least absolute errors of the logarithm, long waits weighing more."""
    x = np.array([row.seen for row in told])
    y = np.log([row.wait_s for row in told])
    weights = np.clip([row.p50_s for row in told], *_WEIGHT_S)
    powers: Floats = np.zeros(x.shape[1])
    for _ in range(50):  # least squares, weighted anew
        each = weights / np.maximum(abs(y - x @ powers), 0.02)
        powers = np.linalg.solve((x.T * each) @ x, (x.T * each) @ y)
    return Powers(float(np.exp(powers[0])), *map(float, powers[1:]))


def row(name: str, told: list[Told]) -> str:
    """A line of the table."""
    low, middle, high, wait = np.array([t[2:6] for t in told]).T / 60.0
    held = np.mean((low <= wait) & (wait <= high))
    return f"{name:38s}{len(told):6d}{np.mean(abs(middle - wait)):8.2f}{held:8.3f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder of scenarios")
    folders = sorted(path.parent for path in parser.parse_args().folder.rglob("ask.csv"))
    halves = [folders[::2], folders[1::2]]
    known = [[t for f in tqdm(half, unit="queue") for t in tell(f)] for half in halves]
    powers = [fitted([t for t in told if t.wait_s > 0]) for told in known]
    other = []
    for half, found in zip(halves, reversed(powers), strict=True):
        queue_length.POWERS = found
        other += [t for f in half for t in tell(f)]
    queue_length.POWERS = POWERS
    lines = [f"{'minutes':38s}{'n':>6s}{'MAE':>8s}{'cover':>8s}"]
    for name, told in (("as it is", [*known[0], *known[1]]), ("fitted to the other half", other)):
        lines.append(row(f"{name}, days asked", [t for t in told if t.asked]))
        earlier = [t for t in told if not t.asked and t.day > _FIRST_DAYS]
        lines.append(row(f"{name}, earlier", earlier))
    for name, found in zip(("as it is", "one half", "other half"), (POWERS, *powers), strict=True):
        values = ", ".join(f"{k} {v:.2f}" for k, v in found._asdict().items())
        lines.append(f"{name}: {values}")
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
