"""A screen with no hub, no broker and no network: what is true without them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import msgspec
from aiohttp import web

from models.calendar import Calendar
from signage.display.lobby import Lobby
from signage.display.station import Part, Station
from signage.feed.responses import Handler
from signage.mirror import Mirror
from signage.serving import Step, each
from signage.wording import Words

_DAYS = 6  # that are listed
_LOOK_S = 0.5


class Unheard(Mirror):
    """The mirror where no hub is meant to be: nothing is heard, and nothing is missing."""

    @property
    def hub_gone(self) -> bool:
        """Never: nobody is awaited."""
        return False


class Day(msgspec.Struct, frozen=True):
    """A day of the list: its date, and its hours or that it is closed."""

    date: str
    hours: str
    is_open: bool


class Hours(msgspec.Struct, frozen=True):
    """When the office is open, in one language; without days where nobody knows the time."""

    word: str
    note: str
    days: tuple[Day, ...]


class AloneLobby(Lobby):
    """The office's hours in place of the board."""

    def __init__(self, station: Station) -> None:
        super().__init__(station.site, station.display, station.mirror, station.cache)
        self._clock = station.clock
        self._calendar = Calendar(station.site)

    async def page(self, request: web.Request) -> web.Response:
        """The whole page."""
        return self._response("display_alone.html", request)

    async def part(self, request: web.Request) -> web.Response:
        """What changes in it."""
        return self._response("display_alone_part.html", request)

    def _more(self, now: datetime) -> dict[str, object]:
        return {"hours": {code: self._hours(words, now) for code, words in self._words.items()}}

    def _hours(self, words: Words, now: datetime) -> Hours:
        if not self._clock.is_set():
            return Hours("", "", ())
        today = self._calendar.day_of(now)
        open_now = [end for start, end in self._calendar.office(today) if start <= now < end]
        opens = self._calendar.office_opens(now)
        if open_now:
            word: str = words("alone.open")
            note: str = words("alone.until", time=words.time(open_now[0]))
        else:
            word = words("state.closed")
            note = words("closed.next", when=words.opening(opens, now)) if opens else ""
        days = []
        for ahead in range(_DAYS):
            day = today + timedelta(days=ahead)
            spans = self._calendar.office(day)
            said = ", ".join(f"{words.clock(a)}–{words.clock(b)}" for a, b in spans)
            days.append(Day(words.date(day), said or words("alone.closed"), bool(said)))
        return Hours(word, note, tuple(days))


class Alone(Part):
    """The board of a screen that stands alone, at `/`."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._lobby = AloneLobby(station)
        self._minute: datetime | None = None

    def routes(self) -> Mapping[str, Handler]:
        """The page and what changes in it."""
        return self._lobby.routes()

    def steps(self) -> Mapping[str, Step]:
        """Nobody else says that time passes."""
        return {"alone": partial(each, _LOOK_S, self._look)}

    def _look(self) -> None:
        minute = self._station.clock.now().replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._station.mirror.ring()
