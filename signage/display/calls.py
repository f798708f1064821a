"""Calls: which ticket takes the screen over now, what is said of it, and that each is so once."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from models.contract.results import Call
from models.screens.announce import Queue
from models.site import is_within
from signage.assets import environment
from signage.display.chime import chime
from signage.display.station import Part, Station
from signage.display.voice import Phrase, Voice
from signage.display.voice_words import caption, said
from signage.feed.responses import Handler
from signage.painter import Painter
from signage.serving import Step
from signage.text import marked_up
from signage.wording import Words

logger = logging.getLogger("machiai.calls")

FILE = "calls.json"
"""In the display's folder: what it has called out, so that nothing is called out again."""

WAIT_S = 25.0
"""So long a page is kept waiting for the next call before it must ask again, in true seconds."""

CHIME = "/voice/chime.wav"
_PHRASES = 500  # that a page may still ask for
_AWAKE = "call"
_KEPT = {"Cache-Control": "max-age=3600"}


class Called(msgspec.Struct, frozen=True):
    """What stands in the file."""

    done: tuple[str, ...] = ()


class Calls(Part):
    """The queue of one display.

    The page tells that it has shown a call and asks for the next in one request. What it told is on
    the disk before it gets an answer; a call of which nothing was told is given again, so that one
    that a crash has cut short is shown in full.
    """

    def __init__(self, station: Station) -> None:
        """Read what was called out before."""
        self._station = station
        self._mirror = station.mirror
        self._file = station.folder / FILE
        self._queue = Queue(_read(self._file))
        self._keeping = asyncio.Lock()
        self._news = asyncio.Event()
        self._voice = Voice(station.folder / "voice")
        self._phrases: dict[str, Phrase] = {}
        self._services = frozenset(station.display.services)
        site, display = station.site, station.display
        self._languages = display.languages or ("ja",)
        self._words: dict[str, Words] = {
            code: Words(code, site.zone_info) for code in (*self._languages, *display.voice)
        }
        self._painters: dict[str, Painter] = {
            code: Painter(site, self._words[code]) for code in self._languages
        }
        self._counters = {counter.id: counter.name for counter in site.counters}
        self._speaks = [code for code in display.voice if self._voice.why_silent(code) is None]
        chime()

    def routes(self) -> Mapping[str, Handler]:
        """What a call sounds like."""
        return {CHIME: self._chime, "/voice/{name}": self._said}

    def posts(self) -> Mapping[str, Handler]:
        """The page asks what to show, and tells what it has shown."""
        return {"/call": self._next}

    def steps(self) -> Mapping[str, Step]:
        """Hear of calls."""
        return {"calls": self._run}

    async def _run(self) -> None:
        for code in self._station.display.voice:
            self._station.alert(f"voice.{code}", self._voice.why_silent(code))
        version = -1
        async with asyncio.TaskGroup() as group:
            while True:
                version = await self._mirror.changed(version)
                for call in self._offered():
                    group.create_task(self._say_ahead(call), name="voice")

    def _offered(self) -> list[Call]:
        """What is new of what holds now: the list while it holds, and the call of this moment."""
        result, call = self._mirror.calls(), self._mirror.call()
        now = self._station.clock.now()
        heard = [] if result is None or now >= result.valid_until else [*reversed(result.recent)]
        heard += [] if call is None else [call]
        ours = [one for one in heard if not self._services or one.service in self._services]
        new = self._queue.offer(ours, self._station.clock.monotonic())
        if new:
            self._ring()
        return new

    def _ring(self) -> None:
        """Whoever waits looks again; the panel does not sleep while somebody is called."""
        was, self._news = self._news, asyncio.Event()
        was.set()
        if self._queue.waiting:
            self._station.awake.add(_AWAKE)
        else:
            self._station.awake.discard(_AWAKE)

    async def _next(self, request: web.Request) -> web.Response:
        shown = (await request.text())[:200]
        if shown:
            await self._told(shown)
        asked = request.query.get("lang", "")
        call = await self._wait()
        if call is None:
            return web.Response(status=204)
        made = self._render(call, asked if asked in self._painters else self._languages[0])
        return web.Response(
            text=made, content_type="text/html", headers={"Cache-Control": "no-store"}
        )

    async def _wait(self) -> Call | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while (call := self._queue.next(self._station.clock.monotonic())) is None:
                    await self._news.wait()
                return call
        return None

    async def _told(self, key: str) -> None:
        """A call was on the screen: on the disk, so that it never is again."""
        async with self._keeping:
            if not self._queue.shown(key, self._station.clock.monotonic()):
                return
            self._ring()
            try:
                await asyncio.to_thread(_write, self._file, Called(self._queue.done))
            except OSError as error:
                self._station.alert(
                    "calls", f"want {self._file.name} written, got: {error.strerror}"
                )
            else:
                self._station.alert("calls", None)

    def _render(self, call: Call, first: str) -> str:
        languages = [first, *(code for code in self._languages if code != first)]
        counter = self._counters.get(call.counter or "")
        spoken = [] if self._is_quiet() else self._spoken(call)
        sounds = {phrase.language: f"/voice/{phrase.name}" for phrase in spoken}
        captions = [
            (code, caption(self._words[code], call, counter), sounds.get(code))
            for code in self._station.display.voice or (first,)
        ]
        made = (
            environment()
            .get_template("display_call.html")
            .render(
                call=self._painters[first].call(call),
                words=self._words[first],
                seconds=[(self._painters[code].call(call), code) for code in languages[1:]],
                captions=captions,
                chime=not self._is_quiet(),
            )
        )
        return marked_up(made)

    def _is_quiet(self) -> bool:
        local = self._station.clock.now().astimezone(self._station.site.zone_info)
        minute = local.hour * 60 + local.minute
        return any(is_within(span, minute) for span in self._station.display.quiet)

    def _spoken(self, call: Call) -> list[Phrase]:
        counter = self._counters.get(call.counter or "")
        made = [
            Phrase(code, text)
            for code in self._speaks
            if (text := said(self._words[code], call, counter)) is not None
        ]
        for phrase in made:
            self._phrases.pop(phrase.name, None)
            self._phrases[phrase.name] = phrase
        while len(self._phrases) > _PHRASES:
            del self._phrases[next(iter(self._phrases))]
        return made

    async def _say_ahead(self, call: Call) -> None:
        """Have the files when the chime has ended."""
        if not self._is_quiet():
            for phrase in self._spoken(call):
                await self._voice.file(phrase)

    async def _chime(self, request: web.Request) -> web.Response:
        _ = request
        return web.Response(body=chime(), content_type="audio/wav", headers=_KEPT)

    async def _said(self, request: web.Request) -> web.StreamResponse:
        phrase = self._phrases.get(request.match_info["name"])
        file = None if phrase is None else await self._voice.file(phrase)
        if file is None:
            raise web.HTTPNotFound
        return web.FileResponse(file, headers={"Content-Type": "audio/wav"} | _KEPT)


def _read(file: Path) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Called).done
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError) as error:
        logger.warning("want what was called out, got: %s - in %s", error, file.name)
        return ()


def _write(file: Path, called: Called) -> None:
    """Whole or not at all, also where the power is cut."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_suffix(".new")
    with scratch.open("wb") as written:
        written.write(msgspec.json.encode(called))
        written.flush()
        os.fsync(written.fileno())
    scratch.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
