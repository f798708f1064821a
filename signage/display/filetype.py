"""What a file is by its own bytes, whatever its name or server says, and whether it is whole."""

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from models.errors import BadPlaylist
from models.screens.playlist import Feed, Image, Item, Video

MIB = 1 << 20
MOST_BYTES: dict[type[Item], int] = {Image: 20 * MIB, Video: 500 * MIB, Feed: 2 * MIB}
"""A larger file is not shown: the Pi would not bear it."""

_MOST_PIXELS = 40_000_000  # a picture of few bytes may need gigabytes to be drawn
_HEAD, _TAIL = 64 * 1024, 1024
_KINDS: dict[type[Item], tuple[str, ...]] = {Image: ("image/",), Video: ("video/",)}
_WANTED = {Image: "a picture", Video: "a video in WebM or MP4", Feed: "a feed"}
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # JPEG: what tells its size


class File(msgspec.Struct, frozen=True):
    """A file that may be shown: where it lies, its hash and its type."""

    path: Path
    sha256: str
    type: str
    size: int
    changed_ns: int

    def is_same(self) -> bool:
        """Whether nobody has changed it since it was looked at."""
        try:
            stat = self.path.stat()
        except OSError:
            return False
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.changed_ns)


def looked_at(path: Path, kind: type[Item], sha256: str | None = None) -> File:
    """A file whose content is what it is wanted for. Reads all of it.

    Raises:
        BadPlaylist: it is something else, half of it, too much or has another hash.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if not 0 < size <= MOST_BYTES[kind]:
            most = MOST_BYTES[kind] // MIB
            raise BadPlaylist(f"want 1 byte to {most} MiB, got {size} bytes - {path.name}")
        file.seek(0)
        head = file.read(_HEAD)
        file.seek(max(0, size - _TAIL))
        found = _type(file, head, file.read(), size)
        wanted = _KINDS.get(kind, ("",))
        if kind is not Feed and (found is None or not found.startswith(wanted)):
            got = found or "something else or half of one"
            raise BadPlaylist(f"want {_WANTED[kind]}, got {got} - {path.name}")
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        stat = path.stat()
    if sha256 is not None and digest != sha256:
        raise BadPlaylist(f"want sha256 {sha256[:12]}..., got {digest[:12]}... - {path.name}")
    return File(path, digest, found or "application/xml", size, stat.st_mtime_ns)


def _type(file: BinaryIO, head: bytes, tail: bytes, size: int) -> str | None:
    """The media type, or None for what no screen shows: also a picture that has no end."""
    if head[4:8] == b"ftyp":
        is_picture = head[8:12] in {b"avif", b"avis"}
        kind = "image/avif" if is_picture else "video/mp4"
        return kind if sum(_boxes(file, size)) == size else None
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else None
    kind, pixels, is_whole = _drawn(head, tail) or _measured(head, tail, size)
    return kind if is_whole and 0 < pixels <= _MOST_PIXELS else None


def _drawn(head: bytes, tail: bytes) -> tuple[str, int, bool] | None:
    begin = head.lstrip(b"\xef\xbb\xbf").lstrip()
    is_svg = begin.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in head
    return ("image/svg+xml", 1, tail.rstrip().endswith(b"</svg>")) if is_svg else None


def _measured(head: bytes, tail: bytes, size: int) -> tuple[str, int, bool]:
    """Type, pixels, and whether the end of a picture is there."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        wide, high = struct.unpack(">II", head[16:24].ljust(8, b"\0"))
        return "image/png", wide * high, b"IEND\xaeB`\x82" in tail
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", _jpeg_pixels(head), b"\xff\xd9" in tail
    if head.startswith((b"GIF87a", b"GIF89a")):
        wide, high = struct.unpack("<HH", head[6:10].ljust(4, b"\0"))
        return "image/gif", wide * high, tail.rstrip(b"\0").endswith(b";")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp", _webp_pixels(head), int.from_bytes(head[4:8], "little") + 8 <= size
    return "", 0, False


def _jpeg_pixels(head: bytes) -> int:
    """Source: ITU-T T.81, B.2.2."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:  # noqa: PLR2004
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4])
        if marker in _FRAMES:
            high, wide = struct.unpack(">HH", head[at + 5 : at + 9])
            return int(high * wide)
        at += 2 + length
    return 1  # behind long notes of a camera: who knows


def _webp_pixels(head: bytes) -> int:
    """Source: RFC 9649, 2.5 to 2.7."""
    chunk = head[12:16]
    if chunk == b"VP8X":
        wide, high = (1 + int.from_bytes(head[i : i + 3], "little") for i in (24, 27))
        return wide * high
    if chunk == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (1 + (bits & 0x3FFF)) * (1 + (bits >> 14 & 0x3FFF))
    wide, high = struct.unpack("<HH", head[26:30].ljust(4, b"\0"))
    return int((wide & 0x3FFF) * (high & 0x3FFF))


def _boxes(file: BinaryIO, size: int) -> Iterator[int]:
    """Lengths of the outermost boxes, as far as the file goes. Source: ISO/IEC 14496-12, 4.2."""
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(16)
        length = int.from_bytes(header[:4])
        if length == 1:
            length = int.from_bytes(header[8:16])
        elif length == 0:
            length = size - at
        if length < 8:  # noqa: PLR2004  a box is at least its header
            return
        yield length
        at += length
