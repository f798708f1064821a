"""What a playlist names on the network, fetched ahead, checked, and kept on disk to be shown."""

import asyncio
import hashlib
import logging
import os
import shutil
import ssl
import tempfile
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from broker.clock import Clock
from models.errors import BadPlaylist, Unavailable
from models.screens.playlist import Feed, Image, Item, Playlist, Video, parse
from signage.display.feeds import read
from signage.display.filetype import MIB, MOST_BYTES, File, looked_at
from signage.display.playlist import text_of
from signage.public import PublicOnly, is_public

logger = logging.getLogger("machiai.display")

INDEX = "index.json"
_MOST_KEPT_BYTES = 2048 * MIB
_LEFT_FREE_BYTES = 512 * MIB
_AGAIN_S, _RETRY_S, _LONGEST_RETRY_S = 600.0, 60.0, 3600.0
_LONGEST_S, _LONGEST_VIDEO_S = 60.0, 900.0  # of one fetch
_SILENT_S = 15.0
_HOPS = 3
_LONGEST_ETAG = 200
_REWRITE = timedelta(hours=1)  # what has not changed wears the card no more often
_CHUNK = 256 * 1024
_HTTPS = "https"
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "machiai"}


class Want(msgspec.Struct, frozen=True):
    """Something to fetch. `kind` is None for a playlist.

    `is_trusted` says that a person wrote the address on this machine: it may lead into the office's
    own network. What a playlist from elsewhere names may not, nor may a redirect.
    """

    url: str
    kind: type[Item] | None
    sha256: str | None = None
    is_trusted: bool = False


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the index says of an address."""

    sha256: str
    etag: str = ""
    checked: datetime
    """When its server last said that this is it."""


class Larder:
    """The files of one display that came from the network, by their hash."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        tls: ssl.SSLContext | None = None,
        most_bytes: int = _MOST_KEPT_BYTES,
    ) -> None:
        """Take stock of what is on the disk, hash by hash. Reads all of it."""
        self._folder = folder
        self._clock = clock
        self._tls = tls or ssl.create_default_context()
        self._most_bytes = most_bytes
        self._index: dict[str, Kept] = {}
        self._files: dict[tuple[str, type[Item] | None], File | None] = {}
        self._due_s: dict[Want, float] = {}
        self._failures: dict[Want, int] = {}
        self._written: datetime | None = None
        self.wrong: dict[str, str] = {}
        """What could not be fetched and why, by its address."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._take_stock()
        except OSError as error:  # a card that has gone read-only: the board is shown all the same
            logger.warning("fetched: want a folder to keep it in, got: %s", error)

    def file(self, want: Want) -> File | None:
        """What is kept of an address, if it is what is wanted. May read it, once."""
        kept = self._index.get(want.url)
        if kept is None or (want.sha256 is not None and want.sha256 != kept.sha256):
            return None
        key = (kept.sha256, want.kind)
        if key not in self._files:
            try:
                self._files[key] = self._checked(self._folder / kept.sha256, want.kind, kept.sha256)
            except (BadPlaylist, OSError) as error:
                logger.warning("fetched: %s", error)
                self._files[key] = None
        found = self._files[key]
        return found if found is not None and found.is_same() else None

    def checked(self, url: str) -> datetime | None:
        """When what is kept of an address was last said to be the newest."""
        kept = self._index.get(url)
        return kept.checked if kept else None

    async def fetch(self, wants: Sequence[Want]) -> bool:
        """Fetch what is due; says whether anything has changed."""
        now_s = self._clock.monotonic() / self._clock.speed
        urls = {want.url for want in wants}
        self.wrong = {url: why for url, why in self.wrong.items() if url in urls}
        has_changed = False
        for want in sorted(wants, key=lambda want: want.kind is Video):
            if now_s < self._due_s.get(want, 0.0):
                continue
            if want.sha256 is not None and await self._has(want):
                continue
            has_changed |= await self._try(want, urls, now_s)
        return has_changed

    async def _has(self, want: Want) -> bool:
        return await asyncio.to_thread(lambda: self.file(want) is not None)

    async def _try(self, want: Want, urls: Collection[str], now_s: float) -> bool:
        before = self._index.get(want.url)
        try:
            async with asyncio.timeout(_LONGEST_VIDEO_S if want.kind is Video else _LONGEST_S):
                await self._get(want, urls)
        except (BadPlaylist, Unavailable, aiohttp.ClientError, OSError, ValueError) as error:
            why = f"{error or type(error).__name__}"[:300]
            if self.wrong.get(want.url) != why:
                logger.warning("want %s, got: %s", want.url, why)
            self.wrong[want.url] = why
            failures = self._failures[want] = self._failures.get(want, 0) + 1
            self._due_s[want] = now_s + min(_RETRY_S * 2 ** (failures - 1), _LONGEST_RETRY_S)
            return False
        self.wrong.pop(want.url, None)
        self._failures.pop(want, None)
        self._due_s[want] = now_s + _AGAIN_S
        after = self._index.get(want.url)
        return before is None or after is None or before.sha256 != after.sha256

    async def _get(self, want: Want, urls: Collection[str]) -> None:
        """One address, over at most three redirects.

        Raises:
            BadPlaylist: what came is not what is wanted.
            Unavailable: the server does not give it.
        """
        kept = self._index.get(want.url)
        headers = dict(_HEADERS)
        if kept and kept.etag and await self._has(want):
            headers["If-None-Match"] = kept.etag
        own = urlsplit(want.url).hostname if want.is_trusted else None
        url = want.url
        connector = aiohttp.TCPConnector(resolver=PublicOnly(own), ssl=self._tls)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, connect=_SILENT_S, sock_read=_SILENT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session:
            for _ in range(_HOPS + 1):
                _check_address(url, own)
                async with session.get(url, headers=headers, allow_redirects=False) as answer:
                    if answer.status == HTTPStatus.NOT_MODIFIED and kept is not None:
                        await self._keep(want.url, kept.sha256, kept.etag)
                        return
                    if answer.status == HTTPStatus.OK:
                        await self._take(want, answer, urls)
                        return
                    where = answer.headers.get("Location")
                    if not HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
                        raise Unavailable(f"want 200, got {answer.status}")
                    if where is None:
                        raise Unavailable(f"want 200, got {answer.status} that leads nowhere")
                    url = urljoin(url, where)
        raise Unavailable(f"want at most {_HOPS} redirects, got more")

    async def _take(
        self, want: Want, answer: aiohttp.ClientResponse, urls: Collection[str]
    ) -> None:
        """Write what comes beside the rest, look at it, and only then put it in its place."""
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise BadPlaylist("want it as it is, got it compressed")
        most = MOST_BYTES[want.kind] if want.kind else MIB
        said = answer.content_length or 0
        if said > most:
            raise BadPlaylist(f"want at most {most // MIB} MiB, got {said} bytes")
        await asyncio.to_thread(self._make_room, said or most // 10, urls)
        file = await asyncio.to_thread(_new_file, self._folder)
        part = Path(file.name)
        try:
            digest, size = hashlib.sha256(), 0
            async for chunk in answer.content.iter_chunked(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise BadPlaylist(f"want at most {most // MIB} MiB, got more")
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
            sha256 = digest.hexdigest()
            if want.sha256 not in {None, sha256}:
                raise BadPlaylist(f"want sha256 {want.sha256}, got {sha256}")
            await asyncio.to_thread(_finish, file)
            await asyncio.to_thread(self._checked, part, want.kind, sha256)
            await asyncio.to_thread(part.replace, self._folder / sha256)
        finally:
            await asyncio.to_thread(_drop, file, part)
        self._files.pop((sha256, want.kind), None)
        await self._keep(want.url, sha256, answer.headers.get("ETag", ""))

    async def _keep(self, url: str, sha256: str, etag: str) -> None:
        before, now = self._index.get(url), self._clock.now()
        etag = etag if etag.isascii() and len(etag) < _LONGEST_ETAG else ""
        self._index[url] = Kept(sha256=sha256, etag=etag, checked=now)
        is_news = before is None or (before.sha256, before.etag) != (sha256, etag)
        if is_news or self._written is None or now - self._written > _REWRITE:
            self._written = now
            await asyncio.to_thread(self._write_index)

    def _checked(self, path: Path, kind: type[Item] | None, sha256: str) -> File:
        """The file, once it is what it is wanted for. A feed and a playlist are read to see.

        Raises:
            BadPlaylist: it is not.
            OSError: it cannot be read.
        """
        if kind in {Image, Video}:
            return looked_at(path, kind or Image, sha256)
        found = looked_at(path, Feed, sha256)
        data = path.read_bytes()
        if kind is Feed:
            read(data)
        else:
            parse(text_of(data, "playlist"))
        return found

    def playlist(self, want: Want) -> Playlist | None:
        """A playlist that was fetched, its files beside it on the network. Reads it."""
        found = self.file(want)
        if found is None:
            return None
        made = parse(text_of(found.path.read_bytes(), want.url), want.url)
        return msgspec.structs.replace(
            made, items=tuple(_beside(item, want.url) for item in made.items)
        )

    def _take_stock(self) -> None:
        """The index, and nothing that it does not name: a part of a fetch, what nobody wants."""
        try:
            data = (self._folder / INDEX).read_bytes()
            self._index = msgspec.json.decode(data, type=dict[str, Kept])
        except FileNotFoundError:
            pass
        except (msgspec.MsgspecError, OSError) as error:
            logger.warning("fetched: want the index, got: %s", error)
        self._sweep()

    def _sweep(self) -> None:
        named = {kept.sha256 for kept in self._index.values()} | {INDEX}
        for path in self._folder.iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)

    def _make_room(self, size: int, urls: Collection[str]) -> None:
        """Forget what nobody wants any more, the longest unseen first, until this much fits.

        Raises:
            Unavailable: it does not fit.
        """
        unwanted = sorted(
            (url for url in self._index if url not in urls),
            key=lambda url: self._index[url].checked,
            reverse=True,
        )
        while not self._fits(size):
            if not unwanted:
                raise Unavailable(f"want {size} bytes of disk for it, got none left")
            gone = unwanted.pop()
            del self._index[gone]
            self._due_s = {want: s for want, s in self._due_s.items() if want.url != gone}
            self._write_index()
            self._sweep()

    def _fits(self, size: int) -> bool:
        kept = sum(path.stat().st_size for path in self._folder.iterdir())
        is_free = shutil.disk_usage(self._folder).free - size > _LEFT_FREE_BYTES
        return is_free and kept + size <= self._most_bytes

    def _write_index(self) -> None:
        part = self._folder / f"{INDEX}.new"
        with part.open("wb") as file:
            file.write(msgspec.json.encode(self._index))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._folder / INDEX)
        self._sweep()


def _check_address(url: str, own: str | None) -> None:
    """Refuse all but https, and numbers that stand for a machine which is not public.

    Raises:
        BadPlaylist: it is none that may be called.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != _HTTPS or parts.username is not None or not host:
        raise BadPlaylist(f"want https://..., got {url[:80]!r}")
    try:
        is_refused = host != own and not is_public(host)
    except ValueError:
        return  # a name: the resolver looks
    if is_refused:
        raise BadPlaylist(f"want a public address, got {host}")


def _beside(item: Item, url: str) -> Item:
    """An item whose file lies beside its playlist on the network."""
    name = getattr(item, "file", None)
    if name is None:
        return item
    return msgspec.structs.replace(item, file=None, url=urljoin(url, name))


def _new_file(folder: Path) -> BinaryIO:
    return tempfile.NamedTemporaryFile("wb", dir=folder, prefix="part-", delete=False)  # type: ignore[return-value]


def _finish(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()


def _drop(file: BinaryIO, part: Path) -> None:
    file.close()
    part.unlink(missing_ok=True)
