"""Pages that leave compressed, though each carries the moment at which it leaves.

A page is compressed once a change. What differs from one reader to the next, its stamps, goes
between its two halves as it is: gzip allows blocks that are only stored (RFC 1951, 3.2.4).
"""

import re
import zlib
from functools import lru_cache

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"  # gzip: no name, no time (RFC 1952, 2.3)
_BARE = -15  # deflate without a frame of its own
_MOST = 0xFFFF  # bytes of a stored block
_REFUSED = re.compile(r"q=0(\.0*)?")

Stamps = dict[bytes, bytes]
"""What is put, once, for a sign in the page."""


class Stamped(web.Response):
    """A page or a part of one; compressed for whoever takes it so, as nearly all do."""

    def __init__(self, page: bytes, stamps: Stamps, headers: dict[str, str]) -> None:
        super().__init__(content_type="text/html", charset="utf-8", headers=headers)
        self._page, self._stamps = page, stamps

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write it as this reader takes it."""
        if self.body is None:
            self.headers.add("Vary", "Accept-Encoding")
            if takes_gzip(request):
                self.headers["Content-Encoding"] = "gzip"
                self.body = packed(self._page, self._stamps)
            else:
                self.body = filled(self._page, self._stamps)
        return await super().prepare(request)


def takes_gzip(request: web.BaseRequest) -> bool:
    """Whether a reader takes it."""
    return _takes_gzip(request.headers.get("Accept-Encoding", ""))


@lru_cache(maxsize=64)
def _takes_gzip(said: str) -> bool:
    """Whether an `Accept-Encoding` names it and does not refuse it.

    >>> _takes_gzip("deflate, gzip;q=0.5"), _takes_gzip("br"), _takes_gzip("gzip; q=0")
    (True, False, False)
    """
    named = [one.strip().lower().partition(";") for one in said.split(",")]
    return any(n.strip() == "gzip" and not _REFUSED.fullmatch(w.strip()) for n, _, w in named)


def filled(page: bytes, stamps: Stamps) -> bytes:
    """The page with its stamps."""
    for sign, stamp in stamps.items():
        page = page.replace(sign, stamp, 1)
    return page


def packed(page: bytes, stamps: Stamps) -> bytes:
    """The same as gzip.

    >>> import gzip
    >>> gzip.decompress(packed(b"<p>@NOW@</p>", {b"@NOW@": b"7"}))
    b'<p>7</p>'
    """
    halves = _halves(page, tuple(stamps))
    gap = filled(halves.gap, stamps)
    size = len(gap)
    stored = b"\0%b%b" % (size.to_bytes(2, "little"), (size ^ _MOST).to_bytes(2, "little"))
    crc = zlib.crc32(halves.second, zlib.crc32(gap, halves.first_crc))
    whole = len(page) - len(halves.gap) + size
    end = crc.to_bytes(4, "little") + whole.to_bytes(4, "little")
    return b"".join((_HEAD, halves.before, stored, gap, halves.after, end))


class _Halves(msgspec.Struct, frozen=True):
    """A page around the gap that holds all its signs: what is before it and after it, deflated."""

    before: bytes
    first_crc: int
    gap: bytes
    after: bytes
    second: bytes


@lru_cache(maxsize=256)
def _halves(page: bytes, signs: tuple[bytes, ...]) -> _Halves:
    places = [(page.find(sign), len(sign)) for sign in signs if sign in page]
    start = min((at for at, _ in places), default=len(page))
    end = max((at + size for at, size in places), default=len(page))
    first, second = (zlib.compressobj(9, zlib.DEFLATED, _BARE) for _ in range(2))
    return _Halves(
        before=first.compress(page[:start]) + first.flush(zlib.Z_FULL_FLUSH),
        first_crc=zlib.crc32(page[:start]),
        gap=page[start:end],
        after=second.compress(page[end:]) + second.flush(),
        second=page[end:],
    )
