"""What was told, kept by the day as open data: a row every five minutes for each value.

The web process writes down what it shows, so a row is what residents were told, by the same rule of
freshness; and history needs nothing but MQTT, as all that this process knows. No ticket number.
"""

import asyncio
import csv
import io
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import msgspec

from broker.clock import Clock
from broker.service import state_folder
from models.contract.codec import stamp
from models.contract.ids import Id
from models.site import Site
from signage.feed import feed
from signage.feed.feed import Item, LotItem, ServiceItem, SiteDocument, ZoneItem
from signage.mirror import Mirror

logger = logging.getLogger("machiai.history")

EVERY_S = 300
COLUMNS = (
    "at", "kind", "id", "state", "basis", "level", "waiting", "counters_open",
    "wait_p10_s", "wait_p50_s", "wait_p90_s", "vacancy", "free_p10", "free_p50", "free_p90",
    "accessible_free_p50", "capacity", "people", "over",
)  # fmt: skip
"""Empty is unknown, or nothing that this kind has."""

Waits = dict[tuple[str, int, int], float]
"""Means of the waits that were told, in seconds, by service, weekday (Monday is 0) and hour."""

_Sums = dict[tuple[str, int, int], tuple[int, float]]

Row = dict[str, str | int | float | None]


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day that there is."""

    day: date
    url: str
    bytes: int


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The days of which something is known, the newest first."""

    site: Id
    columns: tuple[str, ...] = COLUMNS
    every_s: int = EVERY_S
    days: tuple[Day, ...]


class Days:
    """A folder with a CSV file a day. Its methods wait for the disk: call them in a thread."""

    def __init__(self, folder: Path, site: Site) -> None:
        self._folder = folder / site.id
        self._site = site.id
        self._zone: ZoneInfo = site.zone_info
        self._kept = timedelta(days=site.history.rollup_years * 366)
        self._closed: set[tuple[str, str]] = set()
        self._day: date | None = None
        self._is_refused = False
        self._past: dict[date, _Sums] = {}

    def note(self, document: SiteDocument) -> None:
        """Write down what is told now. A disk that refuses is logged once; nothing else stops."""
        day = document.generated_at.astimezone(self._zone).date()
        try:
            if day != self._day:
                self._begin(day)
            lines = io.StringIO()
            writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
            writer.writerows(row for row in rows(document) if self._is_new(row))
            with self._path(day).open("a", encoding="utf-8") as file:
                file.write(lines.getvalue())
            self._is_refused = False
        except OSError as error:
            if not self._is_refused:
                logger.warning("want to keep history in %s, got: %s", self._folder, error)
            self._is_refused = True

    def history(self) -> History:
        """Which days there are."""
        days = sorted(self._files(), reverse=True)
        return History(
            site=self._site,
            days=tuple(
                Day(
                    day=day,
                    url=f"/api/v1/sites/{self._site}/history/{day}.csv",
                    bytes=self._path(day).stat().st_size,
                )
                for day in days
            ),
        )

    def read(self, day: date) -> bytes | None:
        """A day's CSV, whole lines only; None if there is none."""
        try:
            body = self._path(day).read_bytes()
        except OSError:
            return None
        return body[: body.rfind(b"\n") + 1]

    def waits(self, days: Sequence[date]) -> Waits:
        """The means of these days together; those before the newest of them are read once."""
        self._past = {day: sums for day, sums in self._past.items() if day in days}
        together: dict[tuple[str, int, int], list[tuple[int, float]]] = {}
        for day in days:
            sums = self._past.get(day)
            if sums is None:
                sums = _sums(self.read(day) or b"", self._zone)
                if day < max(days):
                    self._past[day] = sums
            for key, found in sums.items():
                together.setdefault(key, []).append(found)
        return {
            key: sum(total for _, total in found) / sum(count for count, _ in found)
            for key, found in together.items()
        }

    def _begin(self, day: date) -> None:
        """A new day, or a new process on one: a line that was cut off by a power cut goes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path(day).write_bytes(self.read(day) or (",".join(COLUMNS) + "\n").encode())
        self._day = day
        self._closed.clear()
        for old in self._files():
            if old < day - self._kept:
                self._path(old).unlink()

    def _files(self) -> Iterator[date]:
        for path in self._folder.glob("????-??-??.csv"):
            try:
                yield date.fromisoformat(path.stem)
            except ValueError:
                continue

    def _path(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.csv"

    def _is_new(self, row: Row) -> bool:
        """Whether it says anything: what stays closed is told once."""
        key = str(row["kind"]), str(row["id"])
        if row["state"] != "closed":
            self._closed.discard(key)
            return True
        if key in self._closed:
            return False
        self._closed.add(key)
        return True


@asynccontextmanager
async def kept(
    sites: Sequence[Site], clock: Clock, *, demo: bool
) -> AsyncIterator[dict[str, Days]]:
    """Where history is kept: the demo's goes with it, and what else is made up leaves none."""
    if not clock.is_simulated:
        folder = state_folder("web", None) / "history"
        yield {site.id: Days(folder, site) for site in sites}
    elif demo:
        made = await asyncio.to_thread(TemporaryDirectory, prefix="machiai-demo-")
        try:
            yield {site.id: Days(Path(made.name), site) for site in sites}
        finally:
            await asyncio.to_thread(made.cleanup)
    else:
        yield {}


async def keep(days: Days, mirror: Mirror) -> None:
    """Note what is told at each full five minutes, from when the hub has been heard."""
    clock = mirror.clock
    while True:
        now_s = clock.now().timestamp()
        await clock.sleep((round(now_s / EVERY_S) + 1) * EVERY_S - now_s)
        if mirror.has_news:
            await asyncio.to_thread(days.note, feed.document(mirror, clock.now()))


def _sums(body: bytes, zone: ZoneInfo) -> _Sums:
    """How many waits were told on a day, and their sum, by service, weekday and hour."""
    sums: _Sums = {}
    for row in csv.DictReader(io.StringIO(body.decode("utf-8", "replace"))):
        try:
            at, wait_s = datetime.fromisoformat(row["at"]), float(row["wait_p50_s"])
        except (ValueError, KeyError, TypeError):
            continue  # none was told, or a disk has eaten of the line
        local = at.astimezone(zone)
        key = row["id"], local.weekday(), local.hour
        count, total = sums.get(key, (0, 0.0))
        sums[key] = count + 1, total + wait_s
    return sums


def rows(document: SiteDocument) -> Iterator[Row]:
    """One row for each service, lot and zone."""
    for service in document.services:
        yield _service(service, document.generated_at)
    for lot in document.lots:
        yield _lot(lot, document.generated_at)
    for zone in document.zones:
        yield _zone(zone, document.generated_at)


def _row(kind: str, item: Item, state: str, at: datetime) -> Row:
    return {"at": stamp(at), "kind": kind, "id": item.id, "state": state, "basis": item.basis}


def _service(item: ServiceItem, at: datetime) -> Row:
    row = _row("service", item, item.state, at) | {
        "level": item.level,
        "waiting": item.waiting,
        "counters_open": item.counters_open,
    }
    wait = {} if item.wait is None else msgspec.structs.asdict(item.wait)
    return row | {f"wait_{name}": round(value) for name, value in wait.items()}


def _lot(item: LotItem, at: datetime) -> Row:
    row = _row("lot", item, item.state, at) | {
        "vacancy": item.vacancy,
        "capacity": item.capacity,
    }
    free = {} if item.free is None else msgspec.structs.asdict(item.free)
    if item.accessible is not None and item.accessible.free is not None:
        row["accessible_free_p50"] = item.accessible.free.p50
    return row | {f"free_{name}": value for name, value in free.items()}


def _zone(item: ZoneItem, at: datetime) -> Row:
    return _row("zone", item, item.state, at) | {
        "level": item.level,
        "capacity": item.capacity,
        "people": item.people,
        "over": None if item.over is None else int(item.over),
    }
