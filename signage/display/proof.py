"""Proof of display: which item of the playlist was on the screen, how often a day."""

import asyncio
import contextlib
import csv
import io
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import msgspec
from aiohttp import web

from models.calendar import Calendar
from models.errors import SensorFailed
from signage.display.station import Part, Station
from signage.feed.responses import Handler
from signage.serving import Step

logger = logging.getLogger("machiai.display")

PROOF = "proof.sqlite"
"""In the folder of the display."""

KEPT_DAYS = 400
ITEMS = 1000
"""A day, at most: a playlist of an office has some ten."""

_WRITE_S = 60.0
_TABLE = """CREATE TABLE IF NOT EXISTS shown (
    day TEXT, item TEXT, times INTEGER, first TEXT, last TEXT, PRIMARY KEY (day, item)
) WITHOUT ROWID"""
_ADD = """INSERT INTO shown VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, item)
    DO UPDATE SET times = times + excluded.times, last = excluded.last"""


class _Shown(msgspec.Struct):
    """One item on one day since it was written last; times of day in the office's zone."""

    times: int
    first: str
    last: str


class Proof(Part):
    """Counts in memory, written once a minute: a card is not worn out by it. Opens a file.

    Raises:
        SensorFailed: its file cannot be written.
    """

    def __init__(self, station: Station) -> None:
        self._station = station
        self._calendar = Calendar(station.site)
        self._path = station.folder / PROOF
        self._new: dict[tuple[date, str], _Shown] = {}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as file:
                file.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise SensorFailed(f"want to write {self._path}, got: {error}") from None

    def routes(self) -> Mapping[str, Handler]:
        """All that is known, as a table."""
        return {"/proof": self._csv}

    def steps(self) -> Mapping[str, Step]:
        """Writing."""
        return {"proof": self._keep}

    def note(self, shown: Mapping[str, int]) -> None:
        """The page says what came on the screen since it last said so."""
        now = self._station.clock.now()
        day = self._calendar.day_of(now)
        time = now.astimezone(self._station.site.zone_info).strftime("%H:%M:%S")
        for item, times in shown.items():
            if (day, item) not in self._new and len(self._new) >= ITEMS:
                return
            found = self._new.setdefault((day, item), _Shown(0, time, time))
            found.times += times
            found.last = time

    async def _keep(self) -> None:
        try:
            while True:
                await asyncio.sleep(_WRITE_S)
                await self._write()
        finally:
            await self._write()

    async def _write(self) -> None:
        new, self._new = self._new, {}
        if not new:
            return
        today = self._calendar.day_of(self._station.clock.now())
        try:
            await asyncio.to_thread(self._add, new, today)
        except sqlite3.Error as error:
            logger.warning("want to write %s, got: %s", self._path, error)
            self._new = new | self._new

    async def _csv(self, request: web.Request) -> web.Response:
        _ = request
        await self._write()
        rows = await asyncio.to_thread(self._rows)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(("day", "item", "times", "first", "last"))
        writer.writerows(rows)
        headers = {"Cache-Control": "no-store"}
        return web.Response(
            text=text.getvalue(), content_type="text/csv", charset="utf-8", headers=headers
        )

    def _add(self, new: Mapping[tuple[date, str], _Shown], today: date) -> None:
        with self._open() as file:
            for (day, item), found in new.items():
                file.execute(_ADD, (day.isoformat(), item, found.times, found.first, found.last))
            forgotten = (today - timedelta(days=KEPT_DAYS)).isoformat()
            file.execute("DELETE FROM shown WHERE day < ?", (forgotten,))

    def _rows(self) -> list[tuple[str, str, int, str, str]]:
        with self._open() as file:
            return file.execute("SELECT * FROM shown ORDER BY day, item").fetchall()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._path)) as file, file:
            yield file
