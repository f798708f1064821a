"""Alerts in a file or a folder."""

import asyncio
import os
import stat
from datetime import datetime
from pathlib import Path

from edge.alerts.source import Document, Reader
from models.errors import BadPayload, SensorFailed

_MOST_FILES = 1000


class Files:
    """A file, or all *.xml and *.cap of a folder. One that goes away ends nothing."""

    def __init__(self, path: Path, most: int) -> None:
        self.where = str(path)
        self._path, self._most = path, most
        self._seen: dict[Path, tuple[int, ...]] = {}

    async def changed(self, reader: Reader, now: datetime) -> list[Document | BadPayload]:
        """See `Source`."""
        del reader, now
        return await asyncio.to_thread(self._look)

    def done(self, document: Document) -> None:
        """See `Source`."""

    def _look(self) -> list[Document | BadPayload]:
        try:
            return self._read()
        except SensorFailed:
            raise
        except OSError as error:
            raise SensorFailed(f"want alerts in {self._path}, got: {error}") from None

    def _read(self) -> list[Document | BadPayload]:
        paths = [self._path]
        if self._path.is_dir():
            names = sorted(os.listdir(self._path))  # noqa: PTH208  a tenth of the time
            paths = [self._path / name for name in names if _is_alert(name)][:_MOST_FILES]
        elif not self._path.parent.is_dir():
            raise SensorFailed(f"want a file or a folder, got none - at {self._path}")
        seen, self._seen = self._seen, {}
        found: list[Document | BadPayload] = []
        for path in paths:
            try:
                about = path.stat()
            except FileNotFoundError:
                continue
            sign = (about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino)
            self._seen[path] = sign
            if seen.get(path) == sign:
                continue
            found.append(self._document(path, about))
        return found

    def _document(self, path: Path, about: os.stat_result) -> Document | BadPayload:
        if not stat.S_ISREG(about.st_mode):
            return BadPayload(f"want a file, got something else - at {path}")
        if about.st_size > self._most:
            return BadPayload(f"want at most {self._most} bytes, got more - at {path}")
        try:
            with path.open("rb") as file:
                return Document(str(path), file.read(self._most + 1))
        except OSError as error:
            return BadPayload(f"want to read a file, got: {error}")


def _is_alert(name: str) -> bool:
    return name.lower().endswith((".xml", ".cap")) and not name.startswith(".")
