"""The city's front page: all offices, by what a resident comes for."""

from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from aiohttp import web

from models.contract.codec import stamp
from models.freshness import Life
from models.site import Names, Service
from signage.assets import environment
from signage.cache import Cache
from signage.city import City
from signage.feed.responses import Handler
from signage.mirror import Mirror
from signage.pages.city_map import CityMap, drawn
from signage.pages.page import OWN_NAMES, html
from signage.painter import Painter
from signage.spoken import preferred
from signage.stream import Stream
from signage.view import Board, LotView, NoticeView, ServiceView, View
from signage.wording import SHAPES, Words

Order = Literal["wait", "name"]

_NEVER_S = 1e9
_FEWEST = 2  # offices that share a service, or that make a map


class OfficeView(View, frozen=True, kw_only=True):
    """One office in the list: in all, or by the one `service` that was asked for."""

    id: str
    number: int
    name: str
    service: ServiceView | None
    services: tuple[ServiceView, ...]
    lots: tuple[LotView, ...]
    is_lost: bool
    wait_s: float


class Purpose(msgspec.Struct, frozen=True):
    """What several offices do."""

    id: str
    name: str


class CityPage:
    """`/` and `/for/{service}`, in each language that any of the offices has."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._cache = Cache(city)
        self._mirrors = city.mirrors
        sites = [mirror.site for mirror in city.mirrors]
        self._languages: Sequence[str] = tuple(
            dict.fromkeys(code for site in sites for code in site.site.languages)
        )
        self._words = {code: Words(code, sites[0].zone_info) for code in self._languages}
        self._painters = {
            code: [Painter(site, Words(code, site.zone_info), curves=False) for site in sites]
            for code in self._languages
        }
        self._boards: dict[str, tuple[Hashable, list[Board]]] = {}
        self._name: Names | None = next((s.site.city for s in sites if s.site.city), None)
        self._purposes = _shared(city.mirrors)
        self.stream = Stream(city, lambda: b"{}")

    def pages(self) -> dict[str, Handler]:
        """Who answers at each path."""
        return {
            "/": self._page,
            "/part": self._part,
            "/for/{service}": self._page,
            "/for/{service}/part": self._part,
            "/stream": self.stream.handle,
        }

    async def _page(self, request: web.Request) -> web.Response:
        return self._response("city.html", request)

    async def _part(self, request: web.Request) -> web.Response:
        return self._response("city_part.html", request)

    def _response(self, template: str, request: web.Request) -> web.Response:
        asked = request.query.get("lang", "")
        accepted = request.headers.get("Accept-Language", "")
        language = asked if asked in self._words else preferred(accepted, self._languages)
        chosen = request.match_info.get("service")
        if chosen is not None and chosen not in self._purposes:
            raise web.HTTPNotFound
        order: Order = "name" if request.query.get("sort") == "name" else "wait"

        def render(now: datetime) -> tuple[bytes, datetime]:
            given, good_until = self._context(language, chosen, order, now)
            return environment().get_template(template).render(given).encode(), good_until

        rendered = self._cache((template, language, chosen, order), render)
        return html(rendered.body, self._city)

    def _context(
        self, language: str, chosen: str | None, order: Order, now: datetime
    ) -> tuple[dict[str, Any], datetime]:
        words = self._words[language]
        boards = self._painted(language, now)
        rows = [
            row
            for i, (mirror, board) in enumerate(zip(self._mirrors, boards, strict=True))
            if (row := _row(i + 1, mirror, board, chosen)) is not None
        ]
        if chosen is not None:
            rows.sort(key=_by_name if order == "name" else _by_wait)
        path = "/" if chosen is None else f"/for/{chosen}/"
        given = {
            "words": words,
            "city": words.name(self._name) if self._name else words("heading.board"),
            "now": stamp(now),
            "as_of": words("as_of", time=words.time(now)),
            "speed": f"{self._city.clock.speed:g}",
            "root": "",
            "part": f"{path}part?lang={language}&sort={order}",
            "zone": self._mirrors[0].site.site.timezone,
            "languages": [(code, OWN_NAMES[code]) for code in self._languages],
            "shapes": SHAPES,
            "hub_gone": self._city.hub_gone,
            "rows": rows,
            "purposes": [Purpose(p.id, words.name(p.name)) for p in self._purposes.values()],
            "chosen": None if chosen is None else words.name(self._purposes[chosen].name),
            "chosen_id": chosen,
            "order": order,
            "answer": None if chosen is None else _first(rows, words, now),
            "emergencies": _emergencies(boards),
            "map": self._map(rows, words),
        }
        return given, min(board.good_until for board in boards)

    def _painted(self, language: str, now: datetime) -> list[Board]:
        """All offices in a language, once a change: each choice of a resident shows the same."""
        minute = now.replace(second=0, microsecond=0)
        key = (self._city.version, self._city.hub_gone, minute)
        found = self._boards.get(language)
        if found is None or found[0] != key or now >= min(b.good_until for b in found[1]):
            pairs = zip(self._painters[language], self._mirrors, strict=True)
            found = key, [painter.board(mirror, now) for painter, mirror in pairs]
            self._boards[language] = found
        return found[1]

    def _map(self, rows: Sequence[OfficeView], words: Words) -> CityMap | None:
        """Of the offices in the list; none if it is not known where they all are."""
        at = {mirror.site.id: mirror.site for mirror in self._mirrors}
        places = [at[row.id].site.location for row in rows]
        known = [place for place in places if place is not None]
        if len(known) < max(_FEWEST, len(rows)):
            return None
        return drawn(known, [words.pick(at[row.id].site.name)[1] for row in rows])


def _shared(mirrors: Sequence[Mirror]) -> dict[str, Service]:
    """The services that several offices have, as the first of them names them."""
    counted = Counter(service.id for mirror in mirrors for service in mirror.site.services)
    made: dict[str, Service] = {}
    for mirror in mirrors:
        for service in mirror.site.services:
            if counted[service.id] >= _FEWEST:
                made.setdefault(service.id, service)
    return made


def _row(number: int, mirror: Mirror, board: Board, chosen: str | None) -> OfficeView | None:
    """An office as the list shows it; None if it has not what was asked for."""
    service = next((row for row in board.services if row.id == chosen), None)
    if chosen is not None and service is None:
        return None
    base = board.answer if service is None else service
    result = None if service is None or not service.has_values else mirror.service(service.id)
    return OfficeView(
        **{name: getattr(base, name) for name in View.__struct_fields__},
        id=mirror.site.id,
        number=number,
        name=board.site,
        service=service,
        services=board.services,
        lots=board.lots,
        is_lost=mirror.hub_gone,
        wait_s=_NEVER_S if result is None or result.wait is None else result.wait.p50_s,
    )


def _by_wait(row: OfficeView) -> tuple[bool, float, int, int]:
    """Shortest first, then those of which less is known, then those that are shut."""
    return not row.has_values, row.wait_s, row.level or 9, row.number


def _by_name(row: OfficeView) -> tuple[str, int]:
    return row.name.casefold(), row.number


def _first(rows: Sequence[OfficeView], words: Words, now: datetime) -> View | None:
    """Where it is done soonest, as long as all waits that were compared hold; None for no two."""
    known = [row for row in rows if row.has_values and row.wait_s < _NEVER_S]
    if len(known) < _FEWEST:
        return None
    best = min(known, key=_by_wait)
    seen = [row.life.observed_at for row in known if row.life.observed_at]
    ends = [row.life.valid_until for row in known if row.life.valid_until]
    life = Life("open", min(seen, default=None), min(ends))
    wait = best.service.wait if best.service else ""
    return View(
        life=life,
        phase=life.phase(now),
        age=words.age(life.observed_at, now) if life.observed_at else "",
        word=words("city.first", name=best.name, wait=wait),
        stale=words("state.checking"),
    )


def _emergencies(boards: Sequence[Board]) -> list[tuple[str, NoticeView]]:
    """What all must see, with the office that says so; the same of several once, for all."""
    named: dict[str, tuple[list[str], NoticeView]] = {}
    for board in boards:
        for notice in board.notices:
            if notice.severity == "emergency":
                named.setdefault(notice.text, ([], notice))[0].append(board.site)
    return [(" / ".join(offices), notice) for offices, notice in named.values()]
