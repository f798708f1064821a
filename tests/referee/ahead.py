"""How good the forecast of a day's waits is, told before its first ask: part of `make estimates`.

Each ask of the referee's `wait-public` is a person who must wait; the forecast is that of the
nearest half hour. Beside it stands the mean of the waits that were seen in that hour before.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from broker.replay import Ask, Received, asks_of, observations, opened
from models.contract.observations import Ticket
from models.contract.results import ServiceForecast, Spread
from models.site import parse
from models.state.office import Office

_HALF = timedelta(minutes=30)


class Told(NamedTuple):
    """One ask: the forecast, the mean of the past (None on the first day), and what came."""

    wait: Spread
    usual_s: float | None
    came_s: float


class Past:
    """The waits that were seen, by service and hour."""

    def __init__(self) -> None:
        self._issued: dict[tuple[str, str], datetime] = {}
        self._waits: dict[tuple[str, int], list[float]] = defaultdict(list)

    def see(self, service: str, ticket: Ticket, at: datetime) -> None:
        """A ticket was issued, or called."""
        key = service, ticket.number
        if ticket.event == "issued":
            self._issued[key] = at
        elif ticket.event == "called" and key in self._issued:
            came = self._issued.pop(key)
            self._waits[service, came.hour].append((at - came).total_seconds())

    def mean_s(self, service: str, at: datetime) -> float | None:
        """Of this hour."""
        waits = self._waits[service, at.hour]
        return sum(waits) / len(waits) if waits else None


def told(folder: Path) -> list[Told]:
    """All asks of a scenario for which there is a forecast."""
    site = parse((folder / "site.toml").read_text(encoding="utf-8"))
    office, past, found = Office(site, assume_alive=True), Past(), list[Told]()
    with (folder / "truth.csv").open(newline="", encoding="utf-8") as file:
        truth = {row["id"]: float(row["truth_s"]) for row in csv.DictReader(file)}
    asks = [ask for ask in asks_of(folder / "ask.csv", site) if ask.kind == "wait"]
    with opened(folder / "log.jsonl.gz") as log:
        news = observations(log)
        ahead = next(news, None)
        for _, day in groupby(asks, lambda ask: ask.at.astimezone(site.zone_info).date()):
            today = list(day)
            now = today[0].at.replace(minute=0, second=0, microsecond=0)
            ahead = _lived(office, past, ahead, news, now)
            forecasts = office.forecasts(now)
            for ask in today:
                wait = _nearest(forecasts.get(f"forecast/service/{ask.name}"), ask)
                if wait is not None:
                    found.append(Told(wait, past.mean_s(ask.name, ask.at), truth[ask.id]))
    return found


def _lived(
    office: Office, past: Past, ahead: Received | None, news: Iterator[Received], until: datetime
) -> Received | None:
    """Fold all up to a moment; the first that comes later."""
    while ahead is not None and ahead[2] <= until:
        seen, at, received_at = ahead
        office.fold(seen, at.timestamp(), received_at.timestamp())
        if isinstance(seen.reading, Ticket):
            past.see(seen.name, seen.reading, at)
        ahead = next(news, None)
    return ahead


def _nearest(forecast: object, ask: Ask) -> Spread | None:
    if not isinstance(forecast, ServiceForecast):
        return None
    near = [step for step in forecast.steps if abs(step.at - ask.at) <= _HALF]
    return min(near, key=lambda step: abs(step.at - ask.at)).wait if near else None


def rows(folders: list[Path], jobs: int) -> list[list[str]]:
    """A line for each scenario, and their mean."""
    with ProcessPoolExecutor(jobs) as pool:
        figures = [_figures(found) for found in pool.map(told, folders)]
    named = [(folder.name, one) for folder, one in zip(folders, figures, strict=True)]
    mean = [sum(column) / len(figures) for column in zip(*figures, strict=True)]
    return [
        [name, f"{mae:.1f}", f"{bias:+.1f}", f"{held:.2f}", f"{usual:.1f}"]
        for name, (mae, bias, held, usual) in [*named, ("mean", mean)]
    ]


def _figures(found: list[Told]) -> list[float]:
    """Mean error and bias in minutes, the share within p10 to p90, the error of the past's mean."""
    known = [one for one in found if one.usual_s is not None]
    off = [one.wait.p50_s - one.came_s for one in known]
    held = [one.wait.p10_s <= one.came_s <= one.wait.p90_s for one in known]
    past = [abs((one.usual_s or 0.0) - one.came_s) for one in known]
    n = len(known)
    return [sum(map(abs, off)) / n / 60, sum(off) / n / 60, sum(held) / n, sum(past) / n / 60]
