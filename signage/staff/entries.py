"""What staff have entered here, who and when: to be shown, and taken back."""

import asyncio
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from models.contract.observations import KIND_OF, KINDS, PostNotice, Reading
from models.contract.results import NoticeResult
from models.errors import Unavailable
from signage.mirror import Mirror
from signage.staff.room import Person, Room

_MOST = 400
_UNDO = timedelta(minutes=30)
_PATIENCE_S = 1.5  # a hub that is there answers in a fraction of that


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was entered. `back` is the reading that takes it back, None where none does.

    `told` is what the hub told of it just before.
    """

    key: str
    at: datetime
    by: str
    kind: str
    name: str
    said: dict[str, Any]
    back: dict[str, Any] | None = None
    told: dict[str, Any] = {}
    is_undone: bool = False

    @property
    def thing(self) -> tuple[str, str]:
        """What it is of."""
        return self.kind, self.name


class Entries:
    """The newest of them, kept over a restart. Reads its file: make it outside a loop."""

    def __init__(self, room: Room, file: str) -> None:
        """Take the name of its file in the room's folder."""
        self._room = room
        self._path = room.folder / file
        self._writing = asyncio.Lock()
        self._all: list[Entry] = []
        with suppress(OSError, ValueError):  # without it nothing can be taken back, no more
            self._all = msgspec.json.decode(self._path.read_bytes(), type=list[Entry])

    async def enter(
        self,
        person: Person,
        name: str,
        reading: Reading,
        back: Reading | None = None,
        told: dict[str, Any] | None = None,
    ) -> None:
        """Send it to the hub, and note it.

        Raises:
            Unavailable: the disk refuses.
        """
        await self._room.observe(name, reading)
        entry = Entry(
            key=uuid.uuid4().hex[:12],
            at=self._room.clock.now(),
            by=person.name,
            kind=KIND_OF[type(reading)],
            name=name,
            said=_plain(reading),
            back=None if back is None else _plain(back),
            told=told or {},
        )
        self._all = [*self._all, entry][-_MOST:]
        await self._save()

    def last(self, kind: str, name: str) -> Entry | None:
        """The newest that was not taken back."""
        of_it = (e for e in reversed(self._all) if e.thing == (kind, name) and not e.is_undone)
        return next(of_it, None)

    def to_undo(self, person: Person, kinds: frozenset[str]) -> Entry | None:
        """What somebody entered last, if nobody has entered anything of it since."""
        own = (e for e in reversed(self._all) if e.by == person.name and e.kind in kinds)
        found = next((e for e in own if not e.is_undone), None)
        if found is None or found.back is None or self.last(*found.thing) != found:
            return None
        is_new = timedelta() <= self._room.clock.now() - found.at <= _UNDO
        return found if is_new else None

    async def undo(self, entry: Entry) -> None:
        """Take it back.

        Raises:
            Unavailable: the disk refuses.
        """
        await self._room.observe(entry.name, msgspec.convert(entry.back, KINDS[entry.kind]))
        done = msgspec.structs.replace(entry, is_undone=True)
        self._all = [done if each.key == entry.key else each for each in self._all]
        await self._save()

    async def _save(self) -> None:
        async with self._writing:
            data = msgspec.json.encode(self._all)
            try:
                await asyncio.to_thread(self._write, data)
            except OSError as error:
                raise Unavailable(f"want to keep what staff enter, got: {error}") from None

    def _write(self, data: bytes) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


async def answered(mirror: Mirror, is_so: Callable[[], bool]) -> bool:
    """Wait a moment for the hub, so that the next page shows what was entered."""
    if mirror.hub_gone:
        return False
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while not is_so():
                await mirror.changed(mirror.version)
    return is_so()


def put_up_again(notice: NoticeResult, by: str) -> PostNotice:
    """The same notice as it stands."""
    return PostNotice(
        by=by[:64],
        severity=notice.severity,
        drill=notice.drill,
        since=notice.since,
        until=notice.until,
        texts=notice.texts,
    )


def _plain(reading: Reading) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(reading)
    return made
