"""What the screen shows between its boards: the playlists, their files, and when each is shown."""

import asyncio
import hashlib
import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from models.calendar import Calendar
from models.errors import BadPlaylist
from models.screens.playlist import Feed, Item, Media, News, Playlist, is_for, spoken, together
from models.screens.programme import Programme
from signage.assets import environment
from signage.display import feeds
from signage.display.filetype import File
from signage.display.playlist import Folder, Sticks
from signage.display.prefetch import Larder, Want
from signage.display.station import Part, Station
from signage.feed.responses import Handler, tag_of
from signage.serving import Step
from signage.wording import Words

FOLDER, FETCHED = "content", "fetched"
"""In the folder of the display: where an office puts its playlist, and what came from elsewhere."""

_LOOK_S = 2.0
_TOLD_S = 300.0  # a browser is told three times as far ahead, in case nobody can be asked then
_OLD = timedelta(days=1)  # a feed whose server has been silent for longer says its date
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cache-Control": "private, max-age=86400, immutable",
    "Content-Disposition": "inline",
}


class _Ready(msgspec.Struct, frozen=True):
    """An item, and what is shown of it besides its own words."""

    item: Item
    file: File | None = None
    feed: feeds.News | None = None
    checked: datetime | None = None


class _Notice(msgspec.Struct, frozen=True):
    """One of the office's, and its end."""

    severity: str
    texts: tuple[tuple[str, str], ...]
    until: datetime


class Content(Part):
    """The playlists of one display."""

    def __init__(self, station: Station, tls: ssl.SSLContext | None = None) -> None:
        self._station = station
        self._languages: Sequence[str] = station.display.languages or ("ja",)
        self._words = {code: Words(code, station.site.zone_info) for code in self._languages}
        self._calendar = Calendar(station.site)
        self._folder = Folder(station.content or station.folder / FOLDER)
        self._sticks = Sticks(station.sticks) if station.sticks else None
        self._larder = Larder(station.folder / FETCHED, station.clock, tls=tls)
        self._playlist = Playlist()
        self._ready: tuple[_Ready, ...] = ()
        self._by_hash: dict[str, File] = {}
        self._feeds: dict[str, feeds.News] = {}
        self._made: tuple[object, bytes] = ((), b"")
        for _ in range(3):  # at the start nobody is writing: the playlist rests, then its files
            self._look()

    def routes(self) -> Mapping[str, Handler]:
        """What is shown when, and the files that it needs."""
        return {"/content": self._told, "/content/{sha256}": self._file}

    def steps(self) -> Mapping[str, Step]:
        """Look for what changes in folders, and on the network."""
        return {"content": self._watch}

    async def look(self) -> None:
        """See what has changed in folders."""
        await asyncio.to_thread(self._look)
        self._tell()

    async def fetch(self) -> None:
        """Fetch what is due from the network."""
        wants = await asyncio.to_thread(self._wants)
        if await self._larder.fetch(wants):
            await asyncio.to_thread(self._look)
        self._tell()

    async def _watch(self) -> None:
        fetching: asyncio.Task[None] | None = None
        try:
            while True:
                await self.look()
                if fetching is None or fetching.done():
                    if fetching is not None:
                        fetching.result()
                    fetching = asyncio.create_task(self.fetch(), name="fetch")
                await asyncio.sleep(_LOOK_S)
        finally:
            if fetching is not None:
                fetching.cancel()

    def _tell(self) -> None:
        wrong = [*(why for folder in self._folders() for why in folder.wrong())]
        wrong += [f"want {url}, got: {why}" for url, why in self._larder.wrong.items()]
        self._station.alert("playlist", "; ".join(wrong[:3]) or None)

    def _folders(self) -> list[Folder]:
        """A stick stands in for all else while it is there."""
        if self._sticks is not None and self._sticks.folder is not None:
            return [self._sticks.folder]
        return [self._folder]

    @property
    def _remote(self) -> Want | None:
        url = self._station.display.playlist
        is_pushed_out = self._folders() != [self._folder]
        return None if url is None or is_pushed_out else Want(url, None, is_trusted=True)

    def _look(self) -> None:
        """Everything that can be shown, anew. Reads files."""
        if self._sticks is not None:
            self._sticks.look()
        self._folder.look()
        ready: list[_Ready] = []
        playlists: list[Playlist] = []
        for folder in self._folders():
            if folder.playlist is not None:
                playlists.append(folder.playlist)
                ready += [self._prepared(item, folder) for item in folder.playlist.items]
        remote = self._remote
        fetched = None if remote is None else self._larder.playlist(remote)
        if fetched is not None:
            playlists.append(fetched)
            ready += [self._prepared(item, None) for item in fetched.items]
        self._playlist = together(playlists)
        self._ready = tuple(one for one in ready if one.file or not isinstance(one.item, Media))
        self._by_hash = {one.file.sha256: one.file for one in self._ready if one.file}
        self._feeds = {name: self._feeds[name] for name in self._by_hash if name in self._feeds}

    def _prepared(self, item: Item, folder: Folder | None) -> _Ready:
        if not isinstance(item, Media) or not is_for(item, self._languages):
            return _Ready(item)
        want = _want(item, is_trusted=folder is not None)
        found = self._larder.file(want) if want else folder.file(item) if folder else None
        if found is None or not isinstance(item, Feed):
            return _Ready(item, found)
        feed = self._feed(found)
        return _Ready(item, found if feed else None, feed, self._larder.checked(item.url or ""))

    def _feed(self, file: File) -> feeds.News | None:
        if file.sha256 not in self._feeds:
            try:
                self._feeds[file.sha256] = feeds.read(file.path.read_bytes(), file.path.name)
            except (BadPlaylist, OSError):
                return None  # it was one when it was looked at: the stick has just gone
        return self._feeds[file.sha256]

    def _wants(self) -> list[Want]:
        """All that is to be fetched, each address once."""
        remote = self._remote
        wants = {} if remote is None else {remote.url: remote}
        own = {id(i) for f in self._folders() if f.playlist for i in f.playlist.items}
        trusted = {urlsplit(remote.url).hostname} if remote else set()
        for item in self._playlist.items:
            if is_for(item, self._languages) and isinstance(item, Media):
                url = item.url or ""
                is_trusted = id(item) in own or urlsplit(url).hostname in trusted
                want = _want(item, is_trusted=is_trusted)
                if want is not None:
                    wants.setdefault(want.url, want)
        return list(wants.values())

    async def _told(self, request: web.Request) -> web.Response:
        """What is shown from now on, and as HTML how."""
        body = self._programme()
        tag = tag_of(body)
        headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
        if any(known.value == tag for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A file by its hash, as long as it is what was looked at."""
        found = self._by_hash.get(request.match_info["sha256"])
        if found is None or not await asyncio.to_thread(found.is_same):
            raise web.HTTPNotFound
        return web.FileResponse(found.path, headers={**_HEADERS, "Content-Type": found.type})

    def _programme(self) -> bytes:
        clock = self._station.clock
        now = clock.now()
        span_s = _TOLD_S * clock.speed
        begun = datetime.fromtimestamp(now.timestamp() // span_s * span_s, now.tzinfo)
        notices = self._notices(now)
        key = (begun, self._ready, notices, clock.is_set())
        if self._made[0] != key:
            until = begun + timedelta(seconds=3 * span_s)
            self._made = (key, self._rendered(begun, until, notices))
        return self._made[1]

    def _rendered(self, begun: datetime, until: datetime, notices: tuple[_Notice, ...]) -> bytes:
        ready = {id(one.item): one for one in self._ready if self._is_shown(one.item, notices)}
        items = tuple(one.item for one in ready.values())
        programme = Programme(
            msgspec.structs.replace(self._playlist, items=items),
            self._calendar,
            self._station.site.zone_info,
            self._languages,
            speed=self._station.clock.speed,
        )
        pages: dict[int, tuple[str, str]] = {}
        slots: list[tuple[int, int, str]] = []
        for showing in programme.showings(begun, until):
            item, end = showing.item, showing.end
            if item is None:
                continue
            if isinstance(item, News):
                end = min(end, *(notice.until for notice in notices))
            if id(item) not in pages:
                pages[id(item)] = self._page(ready[id(item)], notices)
            if showing.start < end:
                slots.append((_ms(showing.start), _ms(end), pages[id(item)][0]))
        return msgspec.json.encode({"slots": slots, "pages": dict(pages.values())})

    def _is_shown(self, item: Item, notices: tuple[_Notice, ...]) -> bool:
        if item.is_dated and not self._station.clock.is_set():
            return False
        return bool(notices) if isinstance(item, News) else True

    def _page(self, ready: _Ready, notices: tuple[_Notice, ...]) -> tuple[str, str]:
        """An item as HTML, by a name that is another if its content is."""
        item = ready.item
        checked = ready.checked
        is_old = checked is not None and self._station.clock.now() - checked > _OLD
        made = (
            environment()
            .get_template("display_content_item.html")
            .render(
                item=item,
                kind=str(item.__struct_config__.tag),
                file=ready.file,
                feed=ready.feed,
                checked=checked if is_old else None,
                notices=notices,
                languages=self._languages,
                words=self._words,
                spoken=spoken,
            )
        )
        return hashlib.sha256(made.encode()).hexdigest()[:16], made

    def _notices(self, now: datetime) -> tuple[_Notice, ...]:
        """The office's own that hold now; an emergency has a screen of its own."""
        found = []
        for notice in self._station.mirror.notices().values():
            until = min(notice.valid_until, notice.until or notice.valid_until)
            has_begun = notice.since is None or notice.since <= now
            if notice.severity != "emergency" and has_begun and now < until:
                said = spoken(notice.texts, self._languages) or tuple(notice.texts)[:1]
                texts = tuple((code, notice.texts[code]) for code in said)
                found.append(_Notice(notice.severity, texts, until))
        return tuple(found)


def _want(item: Media, *, is_trusted: bool) -> Want | None:
    if item.url is None:
        return None
    return Want(item.url, type(item), item.sha256, is_trusted=is_trusted)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
