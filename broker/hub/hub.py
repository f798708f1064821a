"""The hub: ingest, fold, commit, then acknowledge and publish."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from broker import service
from broker.clock import FIRST_DAY, Clock
from broker.hub.belief import Belief
from broker.hub.history.rollup import SLOT_MS, Rollup
from broker.hub.history.sqlite import Journal, milliseconds
from broker.hub.history.told import add_came, add_results
from broker.hub.ingest import Ingest, Taken
from broker.hub.publish import Publisher
from broker.hub.screens import Screens
from broker.mqtt.streaming import StreamLink
from broker.session import Address, Session
from broker.version import VERSION
from models.calendar import Calendar
from models.contract import topics
from models.contract.codec import encode
from models.contract.results import (
    AlertResult,
    DeviceStatus,
    HubAbout,
    LineResult,
    Result,
    State,
)
from models.errors import BadPayload, BadTopic, Missing, Unavailable
from models.site import Site
from models.state.office import Office
from models.wait.retold import Retold

if TYPE_CHECKING:
    from broker.hub.history.ship import Shipper

logger = logging.getLogger("machiai.hub")

JOURNAL = "journal.sqlite"
"""In the folder where a hub keeps its state."""

_GATHER_S = 0.02  # one commit for all that comes in this time
_PUBLISH_S = 0.1  # results at most so often
_TICK_S = 5.0  # and at least so often, by the office's clock: time itself changes them
_ASK_S = 1.0  # a device of which something is missing hears the same ack again at most so often
_REPEAT_S = 5.0  # and one that only said again what is here: it could take it for a question
_BATCH = 2000  # messages in one commit; the loop does other things between two
_SNAPSHOT_S = 30.0
_SNAPSHOT_RECORDS = 2000
_FORECAST_S = 300.0  # by the office's clock; a tenth of a second's work
_RETRY_S = 1.0
_BRINGING_S = 600  # a year's journal of an earlier release is written anew when it is opened
_INBOX = 50_000  # beyond this what comes is dropped: its sender sends it again
_INBOX_BYTES = 64 * 2**20
_TIDY_S = 60.0
_TIDY_MORE_S = 0.5
_KEYS = 10_000  # names from outside must not fill memory
_LOG_EVERY = timedelta(hours=1)


class Hub:
    """One office's hub."""

    def __init__(
        self,
        site: Site,
        clock: Clock,
        address: Address,
        folder: Path,
        *,
        office: type[Office] = Office,
    ) -> None:
        self._site = site
        self._clock = clock
        self._calendar = Calendar(site)
        self._journal = Journal(folder / JOURNAL, site.history)
        self._shipper = _shipper(site, clock, folder / JOURNAL)
        self._ingest = Ingest(self._journal.marks())
        self._durable = {key: mark.seq for key, mark in self._ingest.marks.items()}
        self._belief = Belief(site, self._journal, office)
        self._screens = Screens(site, clock.speed)
        self._heard = frozenset(self._screens.subscriptions)
        self._inbox: deque[tuple[str, bytes, datetime, bool]] = deque()
        self._inbox_bytes = 0
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._asked_s: dict[tuple[str, str], float] = {}
        self._logged: dict[str, datetime] = {}
        self._status: tuple[DeviceStatus, str] = ("ready", "")
        self._own = self._topic("")
        self._turn = -1.0, FIRST_DAY
        self._alerts: set[str] = set()
        self._forecasts: dict[str, Result] = {}
        self._forecast_part = -1
        self._retold = Retold()
        self._told, self._told_slot = Rollup(), -1
        self._unsaved = 0
        self._saved_s = 0.0
        self._agrees = True  # the office holds what the journal holds, no more
        self._session = Session(
            address,
            topics.HUB,
            will=(self._topic("state"), encode(State(state="lost"))),
            subscriptions=[
                f"{topics.VERSION}/{site.id}/+/obs/#",
                f"{topics.VERSION}/{site.id}/+/about",
                f"{topics.VERSION}/{site.id}/{topics.HUB}/+/+",
                f"{topics.VERSION}/{site.id}/{topics.HUB}/forecast/+/+",
                *self._screens.subscriptions,
            ],
            on_message=self._message,
            on_connection=self._connection,
            make=StreamLink,
        )
        self._publisher = Publisher(
            site.id,
            lambda topic, payload, retain: self._session.publish(topic, payload, retain=retain),
        )

    async def run(self) -> None:
        """Serve until cancelled; then save, say goodbye and close."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._session.run(), name="mqtt")
                group.create_task(self._ingest_all(), name="ingest")
                group.create_task(self._publish_all(), name="publish")
                group.create_task(self._tick(), name="tick")
                group.create_task(self._tidy(), name="tidy")
                group.create_task(service.watchdog(), name="watchdog")
                if self._shipper is not None:
                    self._shipper.start()
                service.notify("READY=1")
                await service.until_cancelled(self._goodbye)
        finally:
            await asyncio.to_thread(self._close)

    async def _goodbye(self) -> None:
        if self._shipper is not None:
            self._shipper.stop()
        self._become("disconnected", "stopped")
        await self._session.flush()

    def _close(self) -> None:
        """Save the office, unless it holds what the journal does not: that would count twice."""
        try:
            if self._agrees:
                self._journal.commit([], [], self._told, self._belief.office.dump())
        except Unavailable as error:
            logger.error("%s", error)  # noqa: TRY400  the journal has all; only the restart is slower
        self._journal.close()

    def _topic(self, leaf: str) -> str:
        return topics.device(self._site.id, topics.HUB, leaf)

    # ── what comes ────────────────────────────────────────────────────────────────────────────

    def _message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        if topic.startswith(self._own):
            if retain and payload:
                self._publisher.found(topic)
            return
        now = self._now()
        if now < FIRST_DAY:
            return  # not acknowledged, so it comes again when the clock is right
        if topic in self._heard:
            self._hear(topic, payload, now, retain=retain)
            return
        if retain and "/obs/" in topic:
            self._refuse("retained", f"want no retained observation, got one on {topic[:80]}")
            return
        if len(self._inbox) >= _INBOX or self._inbox_bytes > _INBOX_BYTES:
            self._refuse("backlog", f"want at most {_INBOX} messages waiting; the rest comes again")
            return
        self._inbox.append((topic, payload, now, retain))
        self._inbox_bytes += len(payload)
        self._arrived.set()

    def _hear(self, topic: str, payload: bytes, now: datetime, *, retain: bool) -> None:
        """A display says how it is; nothing of it is kept."""
        try:
            self._screens.hear(topic, payload, now, retained=retain)
        except BadPayload as error:
            self._refuse("screen", f"{error} on {topic}")
        self._changed.set()

    def _now(self) -> datetime:
        """The clock's time, one for all that came with a turn of the loop."""
        turn_s = asyncio.get_running_loop().time()
        if turn_s != self._turn[0]:
            self._turn = turn_s, self._clock.now()
        return self._turn[1]

    def _refuse(self, reason: str, line: str) -> None:
        self._ingest.refused[reason] += 1
        self._log_hourly(reason, line)

    def _log_hourly(self, key: str, line: str) -> None:
        now = self._clock.now()
        if key not in self._logged or now - self._logged[key] >= _LOG_EVERY:
            if len(self._logged) > _KEYS:
                self._logged.clear()
            self._logged[key] = now
            logger.warning("%s", line)

    async def _ingest_all(self) -> None:
        while True:
            await self._arrived.wait()
            await asyncio.sleep(_GATHER_S)
            self._arrived.clear()
            self._agrees = False
            self._belief.begin()
            batch: list[Taken] = []
            for _ in range(min(_BATCH, len(self._inbox))):
                topic, payload, received_at, retained = self._inbox.popleft()
                self._inbox_bytes -= len(payload)
                batch += self._taken(topic, payload, received_at, retained=retained)
            if self._inbox:
                self._arrived.set()
            touched = {(taken.record.device, taken.record.stream) for taken in batch}
            if batch or self._told:
                await self._commit(batch, touched)
            if batch:
                self._changed.set()
            self._agrees = True
            for call in self._belief.new_calls():
                self._publisher.call(call)
            self._answer(touched)

    def _taken(
        self, topic: str, payload: bytes, received_at: datetime, *, retained: bool
    ) -> list[Taken]:
        try:
            taken = self._ingest.take(topic, payload, received_at, retained=retained)
        except (BadTopic, BadPayload) as error:
            levels = topic.split("/")
            self._log_hourly(levels[3] if len(levels) > 3 else topic[:80], f"{error}")  # noqa: PLR2004
            return []
        return [self._folded(one) for one in taken]

    def _folded(self, taken: Taken) -> Taken:
        """Fold it, or keep it in quarantine."""
        kept = self._belief.fold(taken)
        if kept is not taken:
            self._ingest.refused["fold"] += 1
        if kept.record.refused is not None:
            self._log_hourly(
                kept.record.device, f"{kept.record.refused}, from {kept.record.device}"
            )
        return kept

    async def _commit(self, batch: list[Taken], touched: set[tuple[str, str]]) -> None:
        """Keep them; while the disk refuses, try again: nothing is acknowledged meanwhile."""
        self._unsaved += len(batch)
        now_s = asyncio.get_running_loop().time()
        state: bytes | None = None
        if self._unsaved >= _SNAPSHOT_RECORDS or now_s - self._saved_s >= _SNAPSHOT_S:
            state = self._belief.office.dump()
            self._unsaved, self._saved_s = 0, now_s
        records = [taken.record for taken in batch]
        marks = [self._ingest.marks[key] for key in touched]
        rolled_up, self._told = self._told, Rollup()
        for taken in batch:
            if taken.observation is not None:
                rolled_up.add(taken.observation, taken.record.at_ms)
        for name, came in self._belief.new_came():
            add_came(rolled_up, name, came)
        while True:
            try:
                await asyncio.to_thread(self._journal.commit, records, marks, rolled_up, state)
            except Unavailable as error:
                self._become("alert", str(error))
                await asyncio.sleep(_RETRY_S)
            else:
                self._durable.update({(mark.device, mark.stream): mark.seq for mark in marks})
                self._become("ready", "")
                return

    def _answer(self, touched: set[tuple[str, str]]) -> None:
        """Acknowledge what is durable, and ask again where something is missing."""
        now_s = asyncio.get_running_loop().time()

        def is_due(key: tuple[str, str], after_s: float) -> bool:
            return now_s - self._asked_s.get(key, -after_s) >= after_s

        behind, self._ingest.behind = self._ingest.behind - touched, set()
        repeated, self._ingest.repeated = self._ingest.repeated - touched, set()
        greeted, self._ingest.greeted = self._ingest.greeted, set()
        asked = {key for key in behind if is_due(key, _ASK_S)}
        self._ingest.behind = behind - asked  # later
        if len(self._asked_s) > _KEYS:
            self._asked_s.clear()
        again = {key for key in repeated if is_due(key, _REPEAT_S)}
        for key in sorted(touched | greeted | asked | again):
            if key[1] != topics.HUB:
                self._asked_s[key] = now_s
                self._publisher.ack(*key, self._ingest.acknowledged(key))

    async def _tidy(self) -> None:
        """Forget what is old, a little at a time."""
        while True:
            more = False
            if self._clock.is_set():
                try:
                    more = await asyncio.to_thread(self._journal.tidy, self._clock.now())
                except Unavailable as error:
                    self._log_hourly("tidy", str(error))
            await asyncio.sleep(_TIDY_MORE_S if more else _TIDY_S)

    # ── what goes ─────────────────────────────────────────────────────────────────────────────

    def _connection(self, up: bool) -> None:  # noqa: FBT001
        if not up:
            return
        self._publisher.forget()
        self._announce()
        for key in self._ingest.newest.items():
            if seq := self._durable.get(key, 0):  # a commit may be under way
                self._publisher.ack(*key, seq)
        self._changed.set()

    def _become(self, status: DeviceStatus, why: str) -> None:
        if (status, why) != self._status:
            self._status = (status, why)
            if status == "alert":
                logger.error("%s", why)
            self._announce()

    def _announce(self) -> None:
        status, why = self._status
        at = self._clock.now() if self._clock.is_set() else None
        self._publisher.retained(self._topic("state"), State(state=status, at=at, why=why))
        about = HubAbout(
            version=VERSION,
            site_hash=self._site.digest,
            refused=dict(self._ingest.refused),
            shipping=None if self._shipper is None else self._shipper.told(),
        )
        self._publisher.retained(self._topic("about"), about)

    async def _tick(self) -> None:
        counted: Counter[str] = Counter()
        shipped: tuple[object, ...] = ()
        while True:
            self._changed.set()
            if self._ingest.behind:
                self._arrived.set()
            if not self._clock.is_set():
                shown = self._clock.now().isoformat(timespec="seconds")
                self._become(
                    "alert", f"want a clock that is set, got {shown}; waiting for the time"
                )
            elif self._status[1].startswith("want a clock"):
                self._become("ready", "")
            news = () if self._shipper is None else self._shipper.news()
            if counted != self._ingest.refused or shipped != news:
                counted, shipped = Counter(self._ingest.refused), news
                self._announce()
            await asyncio.sleep(max(_TICK_S / self._clock.speed, 2 * _PUBLISH_S))

    async def _publish_all(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._session.connected and self._clock.is_set():
                results, now = self._current(), self._clock.now()
                self._screens.note(results, now)
                results = self._screens.alerts(now) | results
                self._publisher.results(results)
                self._keep(results, milliseconds(now))
                self._log_alerts(results)
            await asyncio.sleep(_PUBLISH_S)

    def _keep(self, results: Mapping[str, Result], at_ms: int) -> None:
        """Once a slot, what is told then: it is written with what comes next, or alone."""
        if at_ms // SLOT_MS != self._told_slot:
            self._told_slot = at_ms // SLOT_MS
            add_results(self._told, results, at_ms)
            self._arrived.set()

    def _log_alerts(self, results: Mapping[str, Result]) -> None:
        """Each once when it begins; staff read the log."""
        alerts = {key: r.why for key, r in results.items() if isinstance(r, AlertResult)}
        for key in alerts.keys() - self._alerts:
            logger.warning("%s: %s", key, alerts[key])
        self._alerts = set(alerts)

    def _current(self) -> dict[str, Result]:
        """All results, but for services of which residents are not told today at all."""
        now = self._clock.now()
        part = int(now.timestamp() / _FORECAST_S)
        if part != self._forecast_part:
            self._forecasts = self._belief.office.forecasts(now)
            self._forecast_part = part
        today = self._calendar.day_of(now)
        dated = {f"service/{s.id}": s.id for s in self._site.services if s.dates is not None}
        results = {
            key: result
            for key, result in self._belief.office.results(now).items()
            if key not in dated or self._calendar.is_shown(dated[key], today)
        }
        lines = {key: result for key, result in results.items() if isinstance(result, LineResult)}
        return results | self._retold.lines(lines, now) | self._forecasts


def _shipper(site: Site, clock: Clock, journal: Path) -> "Shipper | None":
    """What ships the journal to a city's server, where the site file names one."""
    if site.influx is None:
        return None
    try:
        from broker.hub.history.ship import Shipper  # noqa: PLC0415  half of the hub's memory
    except ImportError as error:
        raise Missing(f"want machiai[influx] installed, {error} - at `$.influx`") from None
    return Shipper(site.id, site.influx, clock, journal)


async def serve(site: Site, clock: Clock, address: Address, folder: Path) -> None:
    """Run a site's hub until cancelled.

    Raises:
        Unavailable: the journal cannot be opened.
        Missing: a file that the site file names, or a library that it needs, is not there.
    """
    service.notify(f"EXTEND_TIMEOUT_USEC={_BRINGING_S * 1_000_000}")
    hub = await asyncio.to_thread(Hub, site, clock, address, folder)
    await hub.run()
