"""Looks at places again and again, and tells each change of what holds once.

What was heard and told is kept in a file, so that after a restart nothing is told twice and what
ended meanwhile is taken back.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edge.alerts.files import Files
from edge.alerts.settings import AlertSettings, host_of, is_address
from edge.alerts.source import Document, Reader, Source
from edge.alerts.web import Web, session
from edge.sensors import Port
from models.alerts.notices import changes
from models.contract.observations import PostNotice
from models.errors import BadPayload, SensorFailed

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger("machiai.alerts")

_PATIENCE = 3
_LOOK_S = 10.0
"""After so long without news it is looked at again what holds: times pass."""


class _Saved(msgspec.Struct):
    """What must be known after a restart."""

    settings: str
    """They were heard under; under others all is heard anew."""
    heard: msgspec.Raw = msgspec.Raw(b"null")
    posted: dict[str, PostNotice] = {}
    seen: dict[str, dict[str, bool]] = {}
    """By address of a list, the entries that are done."""


class Watch:
    """Looks at places again and again, and tells what changes."""

    def __init__(
        self,
        reader: Reader,
        places: Sequence[str],
        *,
        settings: AlertSettings,
        every_s: float,
        most: int,
        history: Sequence[str] = (),
        hosts: Sequence[str] = (),
    ) -> None:
        """Set it up; nothing is read yet.

        Args:
            reader: of the format.
            places: paths and addresses.
            settings: of the sensor.
            every_s: from look to look.
            most: bytes of one document.
            history: addresses of lists that are read once, at each start.
            hosts: others that a list may point to.
        """
        self._reader, self._places, self._history = reader, places, history
        self._file = f"{settings.kind}-{settings.name}.json"
        self._every_s, self._timeout_s = every_s, settings.timeout_s
        self._most, self._hosts = most, hosts
        self._saved = _Saved(hashlib.sha256(msgspec.json.encode(settings)).hexdigest()[:16])
        self._looked_s: float | None = None
        known = (host_of(place) if is_address(place) else place for place in places)
        self._basis = f"alerts of {', '.join(dict.fromkeys(str(one) for one in known))}"

    async def run(self, port: Port) -> None:
        """Watch until cancelled.

        Raises:
            SensorFailed: no place could be looked at three times in a row.
        """
        path = port.folder / self._file
        await asyncio.to_thread(self._load, path)
        self._looked_s = None
        failures = 0
        async with AsyncExitStack() as stack:
            sources = await self._open(stack)
            while True:
                error = await self._look(sources, port, path)
                failures = failures + 1 if error is not None else 0
                if error is None:
                    await port.describe(self._basis)
                elif failures == _PATIENCE:
                    raise error
                await port.clock.sleep(self._every_s)

    async def _open(self, stack: AsyncExitStack) -> list[Source]:
        sources: list[Source] = []
        shared: aiohttp.ClientSession | None = None
        for place in (*self._places, *self._history):
            if not is_address(place):
                sources.append(Files(Path(place), self._most))
                continue
            if shared is None:
                shared = await stack.enter_async_context(session(self._timeout_s))
            seen = self._saved.seen.setdefault(place, {})
            once = place in self._history
            sources.append(Web(place, shared, seen, hosts=self._hosts, once=once))
        return sources

    async def _look(self, sources: Sequence[Source], port: Port, path: Path) -> SensorFailed | None:
        """Take in what is new and tell it; the error if no place could be looked at."""
        errors: list[SensorFailed] = []
        for source in sources:
            try:
                found = await source.changed(self._reader, port.clock.now())
            except SensorFailed as error:
                _refuse(port, source.where, error)
                if source.where in self._places:
                    errors.append(error)
                continue
            for document in found:
                await self._take(source, document, port)
            if found:  # it is told before the next place, which may be slow
                await self._tell(port, path, heard=True)
        looked_s = port.clock.monotonic()
        if self._looked_s is None or looked_s - self._looked_s >= _LOOK_S:
            self._looked_s = looked_s
            await self._tell(port, path, heard=False)
        return errors[-1] if len(errors) == len(self._places) else None

    async def _take(self, source: Source, document: Document | BadPayload, port: Port) -> None:
        if isinstance(document, BadPayload):
            _refuse(port, source.where, document)
            return
        try:
            await asyncio.to_thread(self._reader.take, document.body, port.clock.now())
        except BadPayload as error:
            _refuse(port, document.where, error)
        source.done(document)

    async def _tell(self, port: Port, path: Path, *, heard: bool) -> None:
        """Say what changed, then remember it: told twice it is still one notice."""
        standing = await asyncio.to_thread(self._reader.standing, port.clock.now())
        said = changes(self._saved.posted, standing)
        for name, notice in said.items():
            await port.emit(name, notice)
        self._saved.posted = standing
        if said or heard:
            keeping = asyncio.create_task(asyncio.to_thread(self._keep, path), name="keep")
            try:
                await asyncio.shield(keeping)
            except asyncio.CancelledError:  # a thread goes on: who comes next has the same file
                with suppress(SensorFailed):
                    await keeping
                raise

    def _load(self, path: Path) -> None:
        """What an earlier run knew; a damaged file is as none, and all is heard anew."""
        try:
            saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
            if saved.settings == self._saved.settings:
                self._reader.load(bytes(saved.heard))
                self._saved = saved
            self._saved.posted = saved.posted
        except FileNotFoundError:
            return
        except (msgspec.MsgspecError, ValueError, OSError) as error:
            logger.warning("want to remember alerts by %s, got: %s", path, error)

    def _keep(self, path: Path) -> None:
        """Whole or not at all.

        Raises:
            SensorFailed: the disk refuses.
        """
        self._saved.heard = msgspec.Raw(self._reader.saved())
        part = path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(msgspec.json.encode(self._saved))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise SensorFailed(f"want to remember alerts in {path}, got: {error}") from None


def _refuse(port: Port, where: str, error: Exception) -> None:
    """Count it by what was wanted; what came is a stranger's and goes to the log alone."""
    logger.warning("%s - at %s", error, where)
    port.refuse(str(error).partition(", got")[0])
