"""Who asked for notices, what the line says of their tickets, and what must go out: each once.

The rules stand in `models/turn.py`, what is kept in `store.py`. A notice is written down before it
is sent, and so is the moment from which only the other side knows whether it was. After a crash
what was not `sent` is sent again under the same name: see docs/notify.md.
"""

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Literal

import msgspec

from models.site import Site
from models.turn import LATE_AHEAD, Hold, own_call, step, ticket_of
from signage.mirror import Mirror
from signage.notify.delivery import Delivery, Key, Written
from signage.notify.letters import CONFIRM_S, Letters, until
from signage.notify.limits import Limits
from signage.notify.senders import Sender
from signage.notify.store import Holder, Kind, Store, Way

logger = logging.getLogger("machiai.notify")

WALKS_MINUTES = (5, 10, 20)
"""How long a holder may need to come back; the one in the middle unless they say."""

Outcome = Literal["asked", "unknown", "unseen", "late", "limit", "full"]

_EVERY_S = 1.0
_DISK_S = 5.0  # after which a disk that refused is asked again


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for: `address` is as its way knows it, `walk_s` how far they may be."""

    way: Way
    address: str
    service: str
    number: str
    language: str
    walk_s: float


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `holder` if it is kept, `ahead` where that is known."""

    outcome: Outcome
    holder: Holder | None = None
    ahead: int | None = None


class Notices:
    """Looks after the tickets of all holders. Reads its texts here: make it outside a loop.

    Args:
        site: the office.
        mirror: what the hub tells.
        store: who asked.
        senders: the ways that there are.
        base: where the pages are, without a slash at the end, for links.
    """

    def __init__(
        self,
        site: Site,
        mirror: Mirror,
        store: Store,
        senders: Mapping[str, Sender],
        base: str,
    ) -> None:
        self.site = site
        self.senders = senders
        self.limits = Limits()
        self._mirror = mirror
        self._store = store
        self.letters = Letters(site, base)
        self._usual_s = {s.id: 60.0 * s.service_minutes for s in site.services}
        self._holders: dict[str, Holder] = {}
        self._holds: dict[str, Hold] = {}  # of those who have confirmed
        self._open = asyncio.Event()
        self._delivery = Delivery(store, senders, mirror.clock, self._write, self.stop)

    async def ask(self, wish: Wish, client: str | None) -> Asked:
        """Somebody wants to be told. A mail address must be confirmed first, by a first mail.

        Args:
            wish: what.
            client: their IP address, which is counted and not kept.
        """
        if not self._open.is_set():
            return Asked(outcome="full")
        now = self._mirror.clock.now()
        day = now.astimezone(self.site.zone_info).date()
        refused = self._refused(wish, client, now, day)
        if refused is not None:
            return refused
        holder = Holder(
            token=secrets.token_urlsafe(18),
            way=wish.way,
            language=self.letters.language(wish.language),
            service=wish.service,
            number=wish.number,
            walk_s=wish.walk_s,
            day=day.isoformat(),
            since_s=self._since(wish, now).timestamp(),
            asked_s=now.timestamp(),
            confirmed=wish.way != "mail",
        )
        try:
            kept = await asyncio.to_thread(self._store.ask, holder, wish.address)
            if kept == holder.token:
                self._holders[kept] = holder
                if holder.confirmed:
                    self._follow(holder)
                else:
                    await self._queue([(kept, "confirm", until("confirm", now))])
        except sqlite3.Error as error:
            logger.warning("want to keep notices, got: %s", error)
            return Asked(outcome="full")
        if kept is None:
            return Asked(outcome="full")
        return Asked(outcome="asked", holder=self._holders.get(kept))

    def _refused(self, wish: Wish, client: str | None, now: datetime, day: date) -> Asked | None:
        """Why nothing can be promised, if so."""
        if not self.limits.allow(client, self._mirror.clock.monotonic(), day):
            return Asked(outcome="limit")
        line = self._mirror.line(wish.service)
        if line is None or now >= line.valid_until:
            return Asked(outcome="unseen")
        ticket = ticket_of(line, wish.number)
        if ticket is None:
            return Asked(outcome="unknown")
        if ticket.ahead < LATE_AHEAD:
            return Asked(outcome="late", ahead=ticket.ahead)
        if wish.way == "mail" and not self.limits.allow_address(wish.address, day):
            return Asked(outcome="limit")
        return None

    async def confirm(self, token: str) -> Asked | None:
        """The address is theirs. None: nothing is kept under this token any more."""
        await self._open.wait()
        holder = self._holders.get(token)
        if holder is None:
            return None
        if not holder.confirmed:
            holder = await asyncio.to_thread(self._store.confirm, token)
            if holder is None:
                return None
            self._holders[token] = holder
            self._follow(holder)
        ticket = ticket_of(self._mirror.line(holder.service), holder.number)
        ahead = None if ticket is None else ticket.ahead
        if ahead is None or ahead >= LATE_AHEAD or "near" in self._holds[token].told:
            return Asked(outcome="asked", holder=holder, ahead=ahead)
        now, hold = self._mirror.clock.now(), self._holds[token]
        self._holds[token] = msgspec.structs.replace(hold, told=hold.told | {"near"})
        said: list[tuple[str, Kind, datetime]] = [(token, "near", until("near", now))]
        await asyncio.to_thread(self._store.queue, said, "sent")  # the page says it
        return Asked(outcome="late", holder=holder, ahead=ahead)

    def holder(self, token: str) -> Holder | None:
        """Who has this token, if anybody."""
        return self._holders.get(token)

    async def stop(self, token: str) -> None:
        """They want no more; nothing is kept."""
        await self._open.wait()
        await self._forget([token])

    async def opened(self) -> None:
        """Wait until all that was kept is known again."""
        await self._open.wait()

    async def run(self) -> None:
        """Look after all of it until cancelled; a disk that refuses ends nothing but notices."""
        try:
            while True:
                try:
                    await self._load()
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._watch(), name="notices")
                        group.create_task(self._delivery.run(), name="delivery")
                except* sqlite3.Error as errors:
                    logger.warning("want to keep notices, got: %s", errors.exceptions[0])
                self._open.clear()
                await asyncio.sleep(_DISK_S)
        finally:
            for sender in self.senders.values():
                await sender.close()

    async def _load(self) -> None:
        """Go on where the last process ended."""
        holders = await asyncio.to_thread(self._store.holders)
        notices = await asyncio.to_thread(self._store.notices)
        self._holders = {holder.token: holder for holder in holders}
        self._holds.clear()
        self._delivery.clear()
        told: dict[str, set[Kind]] = {}
        for notice in notices:
            told.setdefault(notice.token, set()).add(notice.kind)
            if notice.state != "sent":
                end = datetime.fromtimestamp(notice.until_s, UTC)
                self._delivery.add((notice.token, notice.kind), end)
        for holder in holders:
            if holder.confirmed:
                self._follow(holder, told.get(holder.token, set()))
        in_doubt = sum(notice.state == "sending" for notice in notices)
        if in_doubt:
            logger.warning("%d notices may have gone out already: sent again", in_doubt)
        self._open.set()

    def _follow(self, holder: Holder, told: set[Kind] | frozenset[Kind] = frozenset()) -> None:
        if holder.token in self._holds:
            return
        self._holds[holder.token] = Hold(
            service=holder.service,
            number=holder.number,
            walk_s=holder.walk_s,
            since=datetime.fromtimestamp(holder.since_s, UTC),
            seen_at=datetime.fromtimestamp(holder.asked_s, UTC),
            told=frozenset(kind for kind in told if kind != "confirm"),
        )

    def _since(self, wish: Wish, now: datetime) -> datetime:
        """Calls of this number up to then are of another ticket: it is waiting now."""
        local = now.astimezone(self.site.zone_info)
        midnight = datetime.combine(local.date(), time(), self.site.zone_info)
        any_call = Hold(
            service=wish.service,
            number=wish.number,
            walk_s=wish.walk_s,
            since=midnight.astimezone(UTC),
            seen_at=now,
        )
        calls = self._mirror.calls()
        earlier = own_call(any_call, () if calls is None else calls.calls)
        return any_call.since if earlier is None else earlier.at

    async def _watch(self) -> None:
        """See what the line says whenever it says anything, and each second."""
        version = -1
        while True:
            await self._look(self._mirror.clock.now())
            try:
                async with asyncio.timeout(_EVERY_S):
                    version = await self._mirror.changed(version)
            except TimeoutError:
                continue

    async def _look(self, now: datetime) -> None:
        """Take one look at every ticket; what is due is written down before anything else."""
        calls = self._mirror.calls()
        due: list[tuple[str, Kind, datetime]] = []
        for token, hold in self._holds.items():
            line = self._mirror.line(hold.service)
            usual_s = self._usual_s.get(hold.service, 0.0)
            seen, what = step(hold, line, calls, now, usual_s)
            self._holds[token] = seen
            if what is not None:
                due.append((token, what, until(what, now)))
        await self._queue(due)
        await self._forget(self._over(now))

    def _over(self, now: datetime) -> list[str]:
        """Those of whom nothing may be kept any more."""
        today = now.astimezone(self.site.zone_info).date().isoformat()
        waiting_s = now.timestamp() - CONFIRM_S
        waited_for = self._delivery.waits_for()
        return [
            token
            for token, holder in self._holders.items()
            if holder.day != today
            or (not holder.confirmed and holder.asked_s <= waiting_s)
            or (token in self._holds and self._holds[token].is_over and token not in waited_for)
        ]

    async def _queue(self, due: list[tuple[str, Kind, datetime]]) -> None:
        if not due:
            return
        await asyncio.to_thread(self._store.queue, due)
        for token, kind, end in due:
            if token in self._holders:  # they may have said stop while the disk wrote
                self._delivery.add((token, kind), end)

    async def _forget(self, tokens: list[str]) -> None:
        if not tokens:
            return
        for token in tokens:
            self._holders.pop(token, None)
            self._holds.pop(token, None)
            self._delivery.forget(token)
        await asyncio.to_thread(self._store.forget, tokens)

    def _write(self, key: Key, address: str, ttl_s: float) -> Written | None:
        """A notice as it is said now, if it still makes sense."""
        token, kind = key
        holder, hold = self._holders.get(token), self._holds.get(token)
        if holder is None or holder.way not in self.senders:
            return None
        is_late = holder.confirmed if kind == "confirm" else hold is None
        if is_late or (kind == "near" and hold is not None and "now" in hold.told):
            return None
        now = self._mirror.clock.now()
        made = self.letters.letter(kind, holder, hold, to=address, now=now, ttl_s=ttl_s)
        return holder.way, made
