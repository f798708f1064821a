"""The page of one ticket: how many are ahead, how long it takes, and where to go when called."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from models.contract.results import Call
from models.freshness import Life
from models.site import Service, Site
from signage.assets import environment
from signage.mirror import Mirror
from signage.pages.page import Page, html
from signage.ticket import LONGEST, Ticket, meant, tickets
from signage.view import View
from signage.wording import Words

Kind = Literal["none", "waiting", "called", "passed", "which", "unknown", "closed", "checking"]


class Choice(msgspec.Struct, frozen=True):
    """One of the tickets that may be meant, and the address at which it is told."""

    number: str
    service: str
    address: str


class CallingView(View, frozen=True, kw_only=True):
    """The last call for a service; it may run out before the line does."""

    number: str
    go: str


class TicketView(View, frozen=True, kw_only=True):
    """A ticket in words. `go` is where its holder is called to; `calling` whom they called last."""

    kind: Kind
    number: str = ""
    service: str = ""
    service_id: str = ""
    where: str = ""
    go: str = ""
    calling: CallingView | None = None
    choices: tuple[Choice, ...] = ()


class Head(msgspec.Struct, frozen=True):
    """What the frame of a page shows of the office."""

    site: str
    as_of: str
    hub_gone: bool


class TicketPage:
    """`/ticket`: the number stands in the address and stays nowhere else."""

    def __init__(self, site: Site, mirror: Mirror, page: Page) -> None:
        self._site = site
        self._mirror = mirror
        self._page = page
        self._services = {service.id: service for service in site.services}
        self._counters = {counter.id: counter.name for counter in site.counters}

    async def page(self, request: web.Request) -> web.Response:
        """The whole page."""
        return self._response("ticket.html", request)

    async def part(self, request: web.Request) -> web.Response:
        """What changes in it."""
        return self._response("ticket_part.html", request)

    def _response(self, template: str, request: web.Request) -> web.Response:
        """Made for each request: what is kept of pages is for all, and this is for one."""
        language, query = self._page.language(request), request.query
        body = self.render(template, language, query.get("number", ""), query.get("service", ""))
        return html(body.encode(), self._mirror)

    def render(self, template: str, language: str, said: str, service: str = "") -> str:
        """The page or its part, for whoever typed this number, and perhaps chose a service."""
        said = said[:LONGEST].strip()
        asked = {"number": said} | ({"service": service} if service in self._services else {})
        now = self._mirror.clock.now()
        context = self._page.frame(language, now, "/ticket/part")
        words = context["words"]
        context |= {
            "board": Head(
                site=words.name(self._site.site.name),
                as_of=words("as_of", time=words.time(now)),
                hub_gone=self._mirror.hub_gone,
            ),
            "part": f"{context['root']}/ticket/part?{urlencode(asked | {'lang': language})}",
            "asked": f"{urlencode(asked)}&" if said else "",
            "said": said,
            "like": next((ticket.number for ticket in tickets(self._mirror)), ""),
            "ticket": self._view(said, asked.get("service"), words, now),
        }
        return environment().get_template(template).render(context)

    def _view(self, said: str, service: str | None, words: Words, now: datetime) -> TicketView:
        if not said:
            return TicketView(kind="none", life=Life(), phase="no_data", word=words("ticket.title"))
        known = [t for t in tickets(self._mirror) if service in {None, t.service}]
        found, is_sure = meant(known, said)
        if not found:
            return self._unknown(words, now)
        if len(found) > 1 or not is_sure:
            return self._which(found, words)
        return self._found(found[0], words, now)

    def _found(self, ticket: Ticket, words: Words, now: datetime) -> TicketView:
        source, service = ticket.source, self._services.get(ticket.service)
        life = Life("open", source.observed_at, source.valid_until)
        phase = life.phase(now)
        seen = life.observed_at
        kind, word, note = self._said(ticket, words)
        stale = words("stale.last", time=words.time(seen)) if seen else ""
        return TicketView(
            kind="checking" if phase == "stale" else kind,
            life=life,
            phase=phase,
            age=words.age(seen, now) if seen else "",
            word=words("state.checking") if phase == "stale" else word,
            note=note,
            stale=stale,
            number=ticket.number,
            service=words.name(service.name) if service else ticket.service,
            service_id=ticket.service,
            where=self._where(service, words) if service else "",
            go=self._go(ticket.call, words) if ticket.call else "",
            calling=self._calling(ticket.service, words, now),
        )

    def _said(self, ticket: Ticket, words: Words) -> tuple[Kind, str, str]:
        """What it is, how that is said, and what to do."""
        call, waiting = ticket.call, ticket.waiting
        if waiting is not None:
            ahead = waiting.ahead
            said = words("ticket.ahead", count=ahead) if ahead else words("ticket.next")
            if waiting.wait is not None:
                said = words("ticket.wait", ahead=said, wait=words.wait(waiting.wait))
            return "waiting", said, ""
        if call is not None and ticket.is_over:
            said = words("ticket.passed", time=words.time(call.at))
            return "passed", said, words("ticket.ask")
        return "called", words("ticket.called"), ""

    def _which(self, found: Sequence[Ticket], words: Words) -> TicketView:
        choices = []
        for ticket in found:
            service = self._services.get(ticket.service)
            asked = {
                "number": ticket.number,
                "service": ticket.service,
                "lang": words.language,
            }
            name = words.name(service.name) if service else ticket.service
            choices.append(Choice(ticket.number, name, urlencode(asked)))
        return TicketView(
            kind="which",
            life=Life(),
            phase="no_data",
            word=words("ticket.which"),
            choices=tuple(choices),
        )

    def _unknown(self, words: Words, now: datetime) -> TicketView:
        """A number of which nothing is heard, or nobody hears of numbers now."""
        lines = [self._mirror.line(service) for service in self._services]
        if any(line is not None and now < line.valid_until for line in lines):
            word, note = words("ticket.unknown"), words("ticket.why")
            return TicketView(kind="unknown", life=Life(), phase="no_data", word=word, note=note)
        results = [self._mirror.service(service) for service in self._services]
        lives = [
            Life(r.state, r.observed_at, r.valid_until, r.opens_at)
            for r in results
            if r is not None
        ]
        closed = [life for life in lives if life.phase(now) == "closed"]
        opens = [(life.opens_at, life) for life in closed if life.opens_at is not None]
        if opens and len(closed) == len(lives):
            at, life = min(opens, key=lambda one: one[0])
            note = words("closed.next", when=words.opening(at, now))
            return TicketView(
                kind="closed", life=life, phase="closed", word=words("state.closed"), note=note
            )
        seen = max((life.observed_at for life in lives if life.observed_at), default=None)
        note = words("stale.last", time=words.time(seen)) if seen else words("state.no_data")
        return TicketView(
            kind="checking",
            life=Life(observed_at=seen),
            phase="stale" if seen else "no_data",
            word=words("state.checking"),
            note=note,
            stale=note,
        )

    def _calling(self, service: str, words: Words, now: datetime) -> CallingView | None:
        calls = self._mirror.calls()
        found = () if calls is None else calls.calls
        call = next((call for call in found if call.service == service), None)
        if calls is None or call is None or now >= calls.valid_until:
            return None
        life = Life("open", calls.observed_at, calls.valid_until)
        return CallingView(
            life=life, phase=life.phase(now), number=call.number, go=self._go(call, words)
        )

    def _go(self, call: Call, words: Words) -> str:
        """Where a call leads to; nothing where only the service is known."""
        if call.counter is None:
            return ""
        return words.counter(words.name(self._counters.get(call.counter), call.counter))

    def _where(self, service: Service, words: Words) -> str:
        names = [self._counters.get(counter) for counter in service.counters]
        return words.name(service.place) or words.counters(names, service.counters)
