"""What must go out goes out: several at once, each again and again while it makes sense."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from broker.clock import Clock
from models.errors import MachiaiError
from signage.notify.senders import Later, Letter, Refused, Sender
from signage.notify.store import Kind, Store, Way

logger = logging.getLogger("machiai.notify")

Key = tuple[str, Kind]
"""A holder's token and which notice: there is no second one."""

Written = tuple[Way, Letter]

_EVERY_S = 1.0
_AT_ONCE = 8
_SEND_S = 30.0
_PART_S = 5.0  # for what is under way when this process must end
_FIRST_S, _LONGEST_S = 1.0, 60.0  # between tries


class Delivery:
    """Letters that are due, and how often they were tried.

    Args:
        store: where it is written down that one goes out, and that it has.
        senders: the ways that there are.
        clock: says when a notice makes no sense any more.
        write: makes a notice to an address, which makes sense for so many seconds; None if not.
        gone: told of a holder whose address takes no more.
    """

    def __init__(
        self,
        store: Store,
        senders: Mapping[str, Sender],
        clock: Clock,
        write: Callable[[Key, str, float], Written | None],
        gone: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._senders = senders
        self._clock = clock
        self._write = write
        self._gone = gone
        self._until: dict[Key, datetime] = {}
        self._tries: dict[Key, tuple[int, float]] = {}  # how often, and when again
        self._under_way: set[Key] = set()
        self._bell = asyncio.Event()

    def clear(self) -> None:
        """Begin anew."""
        for known in (self._until, self._tries, self._under_way):
            known.clear()

    def add(self, key: Key, until: datetime) -> None:
        """One more that is written down."""
        self._until[key] = until
        self._bell.set()

    def forget(self, token: str) -> None:
        """Nothing more to this holder."""
        for key in [key for key in self._until if key[0] == token]:
            self._done(key)

    def waits_for(self) -> set[str]:
        """The holders to whom something is still to be sent."""
        return {token for token, _ in self._until}

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                self._bell.clear()
                for key in self._ready(loop.time()):
                    self._under_way.add(key)
                    group.create_task(self._send(key), name="notice")
                try:
                    async with asyncio.timeout(_EVERY_S):
                        await self._bell.wait()
                except TimeoutError:
                    continue

    def _ready(self, now_s: float) -> list[Key]:
        waiting = [
            key
            for key in self._until
            if key not in self._under_way and self._tries.get(key, (0, 0.0))[1] <= now_s
        ]
        return waiting[: _AT_ONCE - len(self._under_way)]

    async def _send(self, key: Key) -> None:
        """One try. When this process must end it is seen through, lest it be made twice."""
        trying = asyncio.ensure_future(self._tried(key))
        try:
            why = await asyncio.shield(trying)
            if why is None:
                self._done(key)
            else:
                self._again(key, why)
        except Refused as error:
            await self._give_up(key, str(error))
            if error.is_gone:
                await self._gone(key[0])
        except asyncio.CancelledError:
            await asyncio.wait([trying], timeout=_PART_S)
            trying.cancel()
            raise
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001  one notice must not end the page of all
            await self._give_up(key, f"want it sent, got {type(error).__name__}")
        finally:
            self._under_way.discard(key)
            self._bell.set()

    async def _tried(self, key: Key) -> MachiaiError | None:
        """Send one letter; returns why it must be sent again."""
        address = await asyncio.to_thread(self._store.address, key[0])
        left_s = self._left_s(key)
        written = None if address is None or left_s <= 0 else self._write(key, address, left_s)
        if written is None:
            return None
        way, made = written

        async def doubt() -> None:
            await asyncio.to_thread(self._store.mark, *key, "sending")

        try:
            async with asyncio.timeout(_SEND_S):
                await self._senders[way].send(made, doubt)
        except Later as error:
            return error
        except TimeoutError:
            return Later(f"want it taken within {_SEND_S:g} s")
        await asyncio.to_thread(self._store.mark, *key, "sent")
        return None

    async def _give_up(self, key: Key, why: str) -> None:
        logger.warning("a notice is given up: %s", why)
        await asyncio.to_thread(self._store.mark, *key, "sent")  # it is over
        self._done(key)

    def _left_s(self, key: Key) -> float:
        """How long it makes sense; 0 if it is due no more."""
        until = self._until.get(key)
        return 0.0 if until is None else (until - self._clock.now()).total_seconds()

    def _done(self, key: Key) -> None:
        self._until.pop(key, None)
        self._tries.pop(key, None)

    def _again(self, key: Key, why: MachiaiError) -> None:
        tried = self._tries.get(key, (0, 0.0))[0]
        if tried == 0:
            logger.warning("a notice must wait: %s", why)
        wait_s = max(min(_FIRST_S * 2**tried, _LONGEST_S), getattr(why, "after_s", 0.0))
        self._tries[key] = (tried + 1, asyncio.get_running_loop().time() + wait_s)
