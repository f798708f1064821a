"""A display with a playlist of a test's own, over HTTP, at a moment at which it shows an item."""

import json
import struct
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from models.calendar import Calendar
from models.screens.playlist import Item, parse
from models.screens.programme import Programme
from models.site import Site
from signage.display.content import Content
from tests.signage.office import NOON, HandClock, Hub, Served


def picture(colour: int = 0, wide: int = 1, high: int = 1, bulk: int = 0) -> bytes:
    """A PNG that says that it is so large, with so many bytes that mean nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", wide, high, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes([0, colour]))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", bytes(bulk))
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


PNG = picture(128)
"""A picture of one grey point."""


def write(folder: Path, playlist: str, **files: bytes) -> Path:
    """A folder with a playlist and its files; `a_png` is written as a.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        stem, _, kind = name.rpartition("_")
        (folder / f"{stem}.{kind}").write_bytes(content)
    (folder / "playlist.toml").write_text(playlist, encoding="utf-8")
    return folder


def moment_of(site: Site, playlist: str, which: int = 0, display: int = 0) -> HandClock:
    """A clock that stands at the beginning of a showing of an item, of weight and priority."""
    made = parse(playlist)
    languages = site.displays[display].languages
    item: Item = made.items[which]
    programme = Programme(made, Calendar(site), site.zone_info, languages)
    for showing in programme.showings(NOON, NOON + timedelta(hours=3)):
        if showing.item is item and showing.start >= NOON:
            return HandClock(now=showing.start)
    raise AssertionError(f"want a showing of {item}, got none")


@contextmanager
def showing(
    site: Site, folder: Path, which: int = 0, *, busy: bool = True
) -> Iterator[tuple[Served, Content]]:
    """A served display at the moment at which an item of the folder's playlist begins."""
    text = (folder / "playlist.toml").read_text("utf-8")
    hub = Hub(site, moment_of(site, text, which))
    if busy:
        hub.busy()
    made = Served(hub, content=folder)
    content = next(part for part in made.parts if isinstance(part, Content))
    try:
        look(made, content)
        yield made, content
    finally:
        made.close()


def told(served: Served) -> dict[str, list[list[int | str]] | dict[str, str]]:
    """What the browser is told of the programme."""
    with urllib.request.urlopen(f"{served.display}/content", timeout=10) as answer:
        made: dict[str, list[list[int | str]] | dict[str, str]] = json.load(answer)
    return made


def look(served: Served, content: Content) -> None:
    """Let it look at its folders, twice: what is being written is left alone."""
    for _ in range(2):
        served.await_(content.look())
