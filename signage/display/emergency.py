"""Emergencies over all else on a screen, until they are cancelled or over; also with no network.

What the hub tells is kept on the disk, so that a display which starts again with nobody to ask
shows it again. What its own switch says it shows at once. Drills can be mistaken for nothing else,
and wait while there is a true emergency.
"""

import asyncio
import contextlib
import logging
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp import web

from models.contract.results import Call, NoticeResult
from models.site import Display, Names, Site
from signage.assets import environment
from signage.cache import Cache
from signage.display.siren import siren
from signage.display.station import Part, Station
from signage.display.switch import Switched
from signage.feed.responses import Handler
from signage.mirror import Mirror
from signage.pages.page import html
from signage.serving import WATCH_S, Step
from signage.wording import LANGUAGES, Words, as_drill

logger = logging.getLogger("machiai.emergency")

STORED = "emergency.json"
"""In the folder of the display."""

_ELSE = "en"  # says what surrounds a text in a language that we do not speak
_SENTENCE = re.compile(r".*?(?:[。！？]|[.!?](?=\s)|\n)", re.DOTALL)
_READING = re.compile("（[ぁ-ゖー]+）")
_HEADLINE = 56  # half kanji: what is longer is no headline
_LOOK_AGAIN = timedelta(minutes=10)


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """An emergency in one language: a headline, the rest, and the words around it."""

    language: str
    words: Words
    headline: str
    rest: str


class Emergency(msgspec.Struct, frozen=True, kw_only=True):
    """One that stands now."""

    id: str
    drill: bool
    issued: datetime | None
    until: datetime
    says: tuple[Say, ...]


class Standing(NamedTuple):
    """What stands at a moment, the gravest first, and until when that is so."""

    shown: list[tuple[str, NoticeResult]]
    waiting: list[str]
    good_until: datetime


def standing(notices: Mapping[str, NoticeResult], now: datetime) -> Standing:
    """The emergencies that hold: of several the newest first. Drills wait for all others."""
    held, changes = [], [now + _LOOK_AGAIN]
    for name, notice in notices.items():
        if notice.severity != "emergency" or not notice.texts:
            continue
        end = min(notice.valid_until, notice.until or notice.valid_until)
        begin = notice.since or now
        changes += [at for at in (begin, end) if at > now]
        if begin <= max(now, notice.at) < end:  # a clock that starts behind hides nothing
            held.append((name, notice))
    held.sort(key=lambda one: (-(one[1].observed_at or now).timestamp(), one[0]))
    true = [one for one in held if not one[1].drill]
    shown = true or held
    waiting = [one[0] for one in held if one not in shown]
    return Standing(shown, waiting, min(changes))


def headline(text: str) -> tuple[str, str]:
    """The first sentence, if it is short enough to be read at a glance, and the rest.

    >>> headline("地震です。外へ避難してください。")
    ('地震です。', '外へ避難してください。')
    """
    text = text.strip()
    found = _SENTENCE.match(text)
    first = found[0] if found else text
    read = _READING.sub("", first)
    wide = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in read)
    return (first.strip(), text[len(first) :].strip()) if wide <= _HEADLINE else ("", text)


class Screen:
    """The layer of one display that stands over all others; also in a preview."""

    def __init__(
        self, site: Site, display: Display, mirror: Mirror, cache: Cache, here: str = ""
    ) -> None:
        """Take where it is served: below the address of the display's page."""
        self._site, self._display = site, display
        self._mirror, self._cache = mirror, cache
        self._here = here
        self._words = {code: Words(code, site.zone_info) for code in LANGUAGES}
        self._counters = {counter.id: counter.name for counter in site.counters}
        self.siren = False

    def routes(self) -> Mapping[str, Handler]:
        """Who answers at each path."""
        return {f"{self._here}/emergency": self.page}

    async def page(self, request: web.Request) -> web.Response:
        """What stands now, page by page; nothing if nothing does."""
        _ = request
        rendered = self._cache(("emergency", self._here), self._render)
        return html(rendered.body, self._mirror)

    def notices(self) -> Mapping[str, NoticeResult]:
        """All that might be shown."""
        return self._mirror.notices()

    def _render(self, now: datetime) -> tuple[bytes, datetime]:
        found = standing(self.notices(), now)
        call = self._call(now) if found.shown else None
        made = (
            environment()
            .get_template("emergency.html")
            .render(
                emergencies=[self._emergency(*one) for one in found.shown],
                waiting=found.waiting,
                now=now,
                siren=self.siren and any(not one.drill for _, one in found.shown),
                call=call,
                counter=self._counters.get(call.counter or "") if call else None,
                words=self._words["ja"],
            )
        )
        calls = self._mirror.calls()
        ends = [calls.valid_until] if calls and calls.valid_until > now else []
        return made.encode(), min([found.good_until, *ends])

    def _emergency(self, name: str, notice: NoticeResult) -> Emergency:
        return Emergency(
            id=name,
            drill=notice.drill,
            issued=notice.observed_at,
            until=min(notice.valid_until, notice.until or notice.valid_until),
            says=tuple(self._says(notice.texts)),
        )

    def _says(self, texts: Names) -> Iterable[Say]:
        for language in sorted(texts, key=_rank):
            first, rest = headline(texts[language])
            words = self._words.get(language, self._words[_ELSE])
            yield Say(language=language, words=words, headline=first, rest=rest)

    def _call(self, now: datetime) -> Call | None:
        """The number called last at this display, while that is known."""
        result = self._mirror.calls()
        if result is None or now >= result.valid_until:
            return None
        services = self._display.services
        return next((c for c in result.calls if not services or c.service in services), None)


class OwnScreen(Screen):
    """The same on the display itself, with what its own switch says."""

    def __init__(self, station: Station) -> None:
        super().__init__(station.site, station.display, station.mirror, station.cache)
        self._own = station.display.notice
        self._switched: Switched | None = None
        self.siren = station.display.siren

    def switched(self, switched: Switched) -> None:
        """Take what the switch says now; from here on nobody else speaks for it on this display."""
        self._switched = switched
        self._mirror.ring()

    def notices(self) -> Mapping[str, NoticeResult]:
        """All that might be shown."""
        held = dict(self._mirror.notices())
        if self._switched is not None:
            held.pop(self._own, None)
            if self._switched.notice is not None:
                notice = self._switched.notice
                texts = as_drill(notice.texts) if notice.drill else notice.texts
                held[self._own] = msgspec.structs.replace(notice, texts=texts)
        return held


class Emergencies(Part):
    """The emergency layer of a display, and what it keeps. Reads a file: make it in a thread."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._screen = OwnScreen(station)
        self._stored = Stored(station.folder / STORED)
        for topic, payload in self._stored.read().items():
            station.mirror.apply(topic, payload, retain=True)
        self._sound = siren() if station.display.siren else b""
        self.switched = self._screen.switched

    def routes(self) -> Mapping[str, Handler]:
        """The layer, and its siren."""
        return {**self._screen.routes(), "/siren.wav": self._siren}

    def steps(self) -> Mapping[str, Step]:
        """Keep what stands, and wake the panel for it."""
        return {"emergency": self._watch}

    async def _siren(self, request: web.Request) -> web.Response:
        _ = request
        if not self._sound:
            raise web.HTTPNotFound
        return web.Response(body=self._sound, content_type="audio/wav")

    async def _watch(self) -> None:
        station = self._station
        while True:
            version = station.mirror.version
            self._wake()
            lasting = station.mirror.lasting()
            if lasting != self._stored.held:
                try:
                    await asyncio.to_thread(self._stored.write, lasting)
                except OSError as error:
                    station.alert("emergency", f"want emergencies kept on the disk, got {error}")
                else:
                    station.alert("emergency", None)
            with contextlib.suppress(TimeoutError):  # a power cut may come with the next breath
                async with asyncio.timeout(WATCH_S):
                    await station.mirror.changed(version)

    def _wake(self) -> None:
        """A dark panel comes on for an emergency, and for its drill."""
        station = self._station
        is_on = bool(standing(self._screen.notices(), station.clock.now()).shown)
        if is_on == ("emergency" in station.awake):
            return
        station.awake ^= {"emergency"}
        station.mirror.ring()


class Stored:
    """Topics and payloads in one file that a power cut leaves whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.held: Mapping[str, bytes] = {}

    def read(self) -> Mapping[str, bytes]:
        """What was written last; nothing if there is nothing that can be read."""
        try:
            written = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            logger.error("want the emergencies that stood, got %s - in %s", error, self._path)  # noqa: TRY400
            return {}
        self.held = {topic: payload.encode() for topic, payload in written.items()}
        return self.held

    def write(self, lasting: Mapping[str, bytes]) -> None:
        """Keep these instead. Blocks.

        Raises:
            OSError: the disk refuses.
        """
        text = msgspec.json.encode({topic: said.decode() for topic, said in lasting.items()})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        self.held = lasting


def _rank(language: str) -> int:
    """Japanese first, then as everywhere; what we do not speak last."""
    known: Sequence[str] = LANGUAGES
    return known.index(language) if language in known else len(known)
