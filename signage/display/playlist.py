"""Playlists in folders: the office's own and that of a stick, as they come, change and go."""

import logging
import os
from pathlib import Path

from models.errors import BadPlaylist
from models.screens.playlist import FILE, Feed, Item, Media, Playlist, parse
from signage.display.feeds import read
from signage.display.filetype import File, looked_at

logger = logging.getLogger("machiai.display")

_MOST_BYTES = 256 * 1024
_Stat = tuple[int, int]
_Key = tuple[Path, type[Item], str | None]
"""A file, what it is wanted for and the hash it must have."""


class Folder:
    """One folder with a playlist. What is being written is left alone until it rests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.playlist: Playlist | None = None
        """None: there is none. One that cannot be read leaves the last good one in its place."""
        self._broken = ""
        self._files: dict[_Key, File | str] = {}  # or why it is not shown
        self._taken: dict[_Key | None, _Stat] = {}
        self._before: dict[Path, _Stat] = {}
        self._now: dict[Path, _Stat] = {}

    def look(self) -> None:
        """See what has changed. Reads files."""
        self._before, self._now = self._now, {}
        path = self.path / FILE
        try:
            stat = self._rested(path)
            if stat is not None and self._taken.get(None) != stat:
                self._taken[None] = stat
                self.playlist = parse(text_of(_read(path), str(path)), str(path))
                self._broken = ""
        except FileNotFoundError:
            self._taken.clear()
            self._files.clear()
            self.playlist, self._broken = None, ""
        except (BadPlaylist, OSError) as error:
            self._broken = str(error)
        for key in self._keys():
            self._look_at(*key)

    def file(self, item: Item) -> File | None:
        """The file of an item, if it is right."""
        found = self._files.get(self._key(item)) if isinstance(item, Media) and item.file else None
        return found if isinstance(found, File) and found.is_same() else None

    def wrong(self) -> list[str]:
        """All that is not shown, and why."""
        mistakes = self.playlist.mistakes if self.playlist else ()
        files = [said for key in self._keys() if isinstance(said := self._files.get(key), str)]
        return [said for said in (self._broken, *mistakes, *files) if said]

    def _keys(self) -> list[_Key]:
        items = self.playlist.items if self.playlist else ()
        found = [self._key(each) for each in items if isinstance(each, Media) and each.file]
        return list(dict.fromkeys(found))

    def _key(self, item: Media) -> _Key:
        return self.path / (item.file or ""), type(item), item.sha256

    def _look_at(self, path: Path, kind: type[Item], sha256: str | None) -> None:
        key = (path, kind, sha256)
        try:
            if not path.resolve(strict=True).is_relative_to(self.path.resolve()):
                self._files[key] = f"want a file of this folder, got a link out of it - {path}"
                return
            stat = self._rested(path)
            if stat is None or self._taken.get(key) == stat:
                return
            found = looked_at(path, kind, sha256)
            if kind is Feed:
                read(path.read_bytes(), path.name)
            self._files[key] = found
            self._taken[key] = stat
        except BadPlaylist as error:
            self._files[key], self._taken[key] = str(error), self._now[path]
        except OSError as error:
            self._files[key] = f"want a file, got: {error.strerror} - {path}"
            self._taken.pop(key, None)

    def _rested(self, path: Path) -> _Stat | None:
        """Size and time of a file that nobody has written to since the last look."""
        found = path.stat()
        stat = self._now[path] = (found.st_size, found.st_mtime_ns)
        return stat if self._before.get(path) == stat else None


class Sticks:
    """The first folder below a root that holds a playlist: a stick that has been put in."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.folder: Folder | None = None

    def look(self) -> None:
        """See whether one was put in or taken out. Reads folders and files."""
        if self.folder is None or not (self.folder.path / FILE).is_file():
            found = self._first()
            if found != (self.folder and self.folder.path):
                logger.info("stick: %s", found or "taken out")
            self.folder = None if found is None else Folder(found)
        if self.folder is not None:
            self.folder.look()

    def _first(self) -> Path | None:
        """As desktops and `/etc/fstab` mount: the root itself, below it, or below a user's name."""
        for pattern in (FILE, f"*/{FILE}", f"*/*/{FILE}"):
            for path in sorted(self._root.glob(pattern)):
                if os.access(path, os.R_OK):
                    return path.parent
        return None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


def text_of(data: bytes, where: str) -> str:
    """The bytes of a playlist as text.

    Raises:
        BadPlaylist: it is far too long or not in UTF-8.
    """
    if len(data) > _MOST_BYTES:
        raise BadPlaylist(f"{where}: want at most {_MOST_BYTES} bytes, got more")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadPlaylist(f"{where}: want UTF-8, {error.reason} at byte {error.start}") from None
