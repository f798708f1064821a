"""Ships what the hub keeps to a city's time series server, beside the hub's own work.

In a thread, as the library blocks. Whatever is slow or wrong with the server stays on this side of
the journal: that is only read, a page at a time, by a connection of its own. So commits wait for
nothing, and memory holds one page however long the server is away.
"""

import hashlib
import logging
import os
import sqlite3
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from broker.clock import Clock
from broker.hub.history.courses import Course, Place, ScoredSlots, Seen, Table, ToldSlots
from broker.hub.history.influx import InfluxServer, Refused
from broker.hub.history.sqlite import milliseconds
from models.contract.results import Shipping
from models.errors import Unavailable
from models.site import Influx

logger = logging.getLogger("machiai.ship")

PLACES = "shipped.json"
"""Beside the journal: how far everything is settled, and at which server."""

_TABLES: dict[str, type[Table]] = {"seen": Seen, "told": ToldSlots, "scored": ScoredSlots}
_LOOK_S = 5.0  # between two looks for what is new
_BREATH_S = 0.02  # between two pages of a backlog: the hub goes first
_LONGEST_S = 60.0  # between two tries
_KEEP_S = 15.0


class _Kept(msgspec.Struct, frozen=True):
    """`server` is a digest: another server or bucket gets everything that there is."""

    server: str
    places: dict[str, Place]


class Shipper:
    """Ships from `start` to `stop`, in a thread of its own. Make it outside a loop.

    Args:
        site: id of the office.
        table: where to.
        clock: the time.
        journal: the hub's file, which is there.

    Raises:
        Missing: the token or the certificate authority is not there.
    """

    def __init__(self, site: str, table: Influx, clock: Clock, journal: Path) -> None:
        self._site, self._clock, self._journal = site, clock, journal
        self._server = InfluxServer(table, site)
        where = f"{site}\n{table.url}\n{table.org}\n{table.bucket}"
        self._digest = hashlib.sha256(where.encode()).hexdigest()[:16]
        self._path = journal.with_name(PLACES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ship", daemon=True)
        self._courses: dict[str, Course] = {}
        self._kept: dict[str, Place] = {}
        self._kept_s = clock.monotonic()
        self._failures = self._drops = 0
        self._seen: Seen | None = None
        self._why = ""
        self._lag: tuple[int, int | None] = (0, None)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, wait_s: float = 0.0) -> None:
        """End soon. What is on its way need not be waited for: it goes again."""
        self._stop.set()
        self._thread.join(wait_s)

    def told(self) -> Shipping:
        """How it stands."""
        waiting, oldest_ms = self._lag
        course = self._courses.get("seen")
        missing, refused = (0, 0) if course is None else course.lost
        behind_ms = 0 if oldest_ms is None else milliseconds(self._clock.now()) - oldest_ms
        return Shipping(
            lag_s=max(0, behind_ms) // 1000,
            waiting=waiting,
            missing=missing,
            refused=refused,
            why=self._why,
        )

    def news(self) -> tuple[object, ...]:
        """What of it is told at once when it changes; the lag itself grows by the minute."""
        now = self.told()
        return now.lag_s // 60, now.missing, now.refused, now.why

    def _work(self) -> None:
        wait_s = 0.0
        try:
            while not self._stop.wait(wait_s / self._clock.speed):
                wait_s = self._turn()
        except Exception as error:  # whatever it is, the office stays open
            self._why = f"ended by a mistake of machiai's own: {error!r}"
            logger.exception("shipping has %s", self._why)
        finally:
            self._server.close()

    def _turn(self) -> float:
        """Ship a little; how long to wait then."""
        try:
            self._open()
            send = partial(self._send, now_ms=milliseconds(self._clock.now()))
            more = [course.step(send) for course in self._courses.values()]
        except (Unavailable, sqlite3.Error) as error:
            why, wait_s = str(error), self._after(error)
            if isinstance(error, sqlite3.Error):
                why = f"want to read {self._journal}, got: {error}"
        else:
            why, wait_s = self._keep(), _BREATH_S if any(more) else _LOOK_S
            self._failures = 0
        if not self._stop.is_set():
            self._look(why)
        return wait_s

    def _after(self, error: Unavailable | sqlite3.Error) -> float:
        """How long to wait after a failure: longer each time."""
        self._failures = min(self._failures + 1, 10)
        if isinstance(error, Refused):
            if error.again_s is not None:
                return error.again_s
        else:
            self._begin_again()
        return min(_LONGEST_S, 2.0 ** (self._failures - 1))

    def _begin_again(self) -> None:
        """The server may have been started anew."""
        for course in self._courses.values():
            course.failed()

    def _send(self, lines: Sequence[str], now_ms: int) -> int:
        if self._stop.is_set():
            raise Refused("want to ship, got told to stop")
        refused = self._server.send(lines, now_ms)
        if self._drops != self._server.drops:
            self._drops = self._server.drops
            self._begin_again()
        return refused

    def _open(self) -> None:
        """The journal, and where everything had come to."""
        if self._courses:
            return
        uri = f"{self._journal.absolute().as_uri()}?mode=ro"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)
        kept = self._read()
        self._kept = kept.places if kept.server == self._digest else {}
        self._seen = Seen(db, self._site)
        self._courses = {
            name: Course(
                partial(table, db, self._site),
                self._kept.get(name, Place()),
                self._clock.monotonic,
            )
            for name, table in _TABLES.items()
        }

    def _look(self, why: str) -> None:
        """Note how it stands, and log what is new about it."""
        if self._seen is not None:
            try:
                self._lag = self._seen.lag(self._courses["seen"].reached)
            except sqlite3.Error as error:
                why = why or f"want the journal, got: {error}"
        if why != self._why:
            if why:
                logger.warning("%s; %d rows wait", why, self._lag[0])
            else:
                logger.info("shipping goes on, %d rows wait", self._lag[0])
        self._why = why

    def _read(self) -> _Kept:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return _Kept("", {})
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning("want %s, got: %s; everything is sent once more", self._path, error)
            return _Kept("", {})

    def _keep(self) -> str:
        """Write what is settled, whole or not at all; why not, if the disk refuses.

        Nothing is lost without it: a hub that starts sends more once more.
        """
        places = {name: course.settled for name, course in self._courses.items()}
        now_s = self._clock.monotonic()
        if places == self._kept or now_s - self._kept_s < _KEEP_S:
            return ""
        part = self._path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(msgspec.json.encode(_Kept(self._digest, places)))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            return f"want to keep in {self._path} how far it is, got: {error.strerror}"
        self._kept, self._kept_s = places, now_s
        return ""
