"""Every surface of an office, and who looks at them: browsers, and a reader of the feed."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from models.freshness import Life
from models.site import Site
from signage.assets import environment
from signage.cache import Cache
from signage.display.lobby import Lobby
from signage.feed import feed
from signage.mirror import Mirror
from signage.pages.page import Page
from signage.pages.ticket_page import TicketPage
from signage.ticket import tickets
from signage.wording import Words
from tests.freshness.browser import Browser
from tests.freshness.surfaces import of_feed, of_html, of_text
from tests.signage.office import HandClock

_HOUR = 3600.0
_LOBBY, _CUT, _TICKET = 1, 2, 3  # of the lobby, whose stream may be cut, of who holds a ticket
_BROWSERS = 4
_NOTHING, _AWAY = -1, -2  # instead of the version that a browser has seen

Said = tuple[str, str, str]
"""Where, of what, and in which words."""


class Showing:
    """The surfaces of a web process and a display process, as four browsers show them."""

    def __init__(
        self, site: Site, clock: HandClock, mirrors: Sequence[Mirror], rng: random.Random
    ) -> None:
        self._site, self._clock, self._rng = site, clock, rng
        self._words = Words("ja", site.zone_info)
        self._web, self._display = mirrors
        self._caches = [Cache(mirror) for mirror in mirrors]
        self._page = Page(site, self._web, self._caches[0])
        self._ticket = TicketPage(site, self._web, self._page)
        self._held_number = ""
        self._lobby = Lobby(site, site.displays[0], self._display, self._caches[1])
        self._read: dict[str, tuple[object, Any]] = {}
        self._browsers = [Browser(wall_s=rng.uniform(-_HOUR, _HOUR)) for _ in range(_BROWSERS)]
        self._seen = [_NOTHING] * _BROWSERS
        self._held: list[tuple[int, datetime, str]] = []
        self._document: dict[str, Any] = json.loads(self._feed())
        for n in range(_BROWSERS):
            self._receive(n, clock.now(), self._part(n))

    def pass_time(self, seconds: float, *, asleep: bool) -> None:
        """Time passes, for the browsers perhaps in their sleep."""
        for browser in self._browsers:
            browser.pass_time(seconds, asleep=asleep)
        for mirror in (self._web, self._display):
            mirror.watch()

    def a_clock_jumps(self) -> None:
        """The clock of somebody's phone is set, rightly or wrongly."""
        self._rng.choice(self._browsers).wall_s += self._rng.choice((-_HOUR, _HOUR))

    def the_stream_is_cut_or_returns(self) -> None:
        """One browser hears nothing more, or hears again."""
        self._seen[_CUT] = _NOTHING if self._seen[_CUT] == _AWAY else _AWAY

    def serve(self) -> None:
        """After each change the time and a new part; now and then both come late."""
        due, self._held = self._held, []
        for n, now, html in due:
            self._receive(n, now, html)
        for n, browser in enumerate(self._browsers):
            version = (self._display if n == _LOBBY else self._web).version
            if self._seen[n] == _AWAY or (version == self._seen[n] and not browser.wants):
                continue
            self._seen[n] = version
            browser.wants = False
            if self._rng.random() < 0.05:
                self._held.append((n, self._clock.now(), self._part(n)))
            else:
                self._receive(n, self._clock.now(), self._part(n))
        if self._rng.random() < 0.05:
            self._document = json.loads(self._feed())

    def said(self) -> Iterator[Said]:
        """All that can be read anywhere now."""
        for n, browser in enumerate(self._browsers):
            for thing in browser.age():
                yield from ((f"browser {n}", thing.key, value) for value in thing.values)
        for n, name in ((0, "page"), (_LOBBY, "lobby"), (_TICKET, "ticket")):
            for thing in self._once(name, self._part(n), of_html):
                yield from ((name, thing.key, value) for value in thing.values)
        text = self._paged("text.html")
        for key, line in self._once("text", text, lambda t: of_text(t, self._site, self._words)):
            yield "text", key, line
        document = self._once("feed", self._feed(), json.loads)
        yield from (("feed", key, sign) for key, sign, _ in of_feed(document, self._words))
        yield from self._kept()

    def _kept(self) -> Iterator[Said]:
        """What the reader of the feed shows of a document that it keeps, by the rule for that."""
        for key, sign, item in of_feed(self._document, self._words):
            until = item.get("valid_until")
            life = Life("open", None, until and datetime.fromisoformat(until))
            if life.phase(self._clock.now()) in ("fresh", "ageing"):
                yield "reader", key, sign

    def _receive(self, n: int, now: datetime, html: str) -> None:
        self._browsers[n].sync(now)
        self._browsers[n].swap(html)

    def _feed(self) -> bytes:
        return self._caches[0]("feed", lambda now: feed.render(self._web, now)).body

    def _part(self, n: int) -> str:
        if n == _TICKET:
            return self._ticket.render("ticket_part.html", "ja", self._number())
        if n != _LOBBY:
            return self._paged("page_part.html")
        template = "display_part.html"
        rendered = self._caches[1](template, lambda now: self._lobby._render(template, "ja", now))
        return rendered.body.decode()

    def _number(self) -> str:
        """Of a ticket as long as it waits, then of the last that does."""
        waiting = [ticket.number for ticket in tickets(self._web) if ticket.waiting]
        if waiting and self._held_number not in waiting:
            self._held_number = waiting[-1]
        return self._held_number

    def _paged(self, template: str) -> str:
        def render(now: datetime) -> tuple[bytes, datetime]:
            context = self._page.context("ja", now, "/part")
            made = environment().get_template(template).render(context)
            return made.encode(), context["board"].good_until

        return self._caches[0](template, render).body.decode()

    def _once(self, name: str, raw: Any, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401
        """What was read of a surface stays so while its text is the same."""
        held = self._read.get(name)
        if held is None or held[0] != raw:
            held = self._read[name] = (raw, read(raw))
        return held[1]
