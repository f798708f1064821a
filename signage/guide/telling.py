"""What the guide of one office says, in one language."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from models.guide.find import find, folded
from models.guide.reading import Guide, Place, Purpose, edges, spots
from models.guide.route import Leg, Route, route
from models.site import Service, Site
from signage.guide.plan import Plan, plans
from signage.mirror import Mirror
from signage.painter import Painter
from signage.view import Board, ServiceView, WayView
from signage.wording import Words

_READ = re.compile(r"([㐀-鿿々]+)（([ぁ-ゖー]+)）")
_FAR = 10  # metres from which on nobody counts single ones


class Tile(msgspec.Struct, frozen=True):
    """One purpose to choose."""

    id: str
    name: str
    pictogram: str


class Shelf(msgspec.Struct, frozen=True):
    """Purposes that stand together."""

    id: str
    name: str
    tiles: tuple[Tile, ...]


class WayThere(msgspec.Struct, frozen=True, kw_only=True):
    """How one gets there, in words and drawn. `is_blocked`: only by steps, which was not wanted."""

    start: str
    said: tuple[str, ...]
    plans: tuple[Plan, ...]
    has_steps: bool
    is_blocked: bool


class PurposeView(msgspec.Struct, frozen=True, kw_only=True):
    """All that one needs to know for a purpose."""

    id: str
    name: str
    pictogram: str
    note: str
    where: str
    bring: tuple[str, ...]
    ways: tuple[WayView, ...]
    service: ServiceView | None
    there: WayThere | None
    board: Board
    good_until: datetime


class Teller:
    """Says what is in a guide in one language."""

    def __init__(self, site: Site, guide: Guide, words: Words) -> None:
        self._site = site
        self._guide = guide
        self._words = words
        self._painter = Painter(site, words)
        self._counters = {counter.id: counter.name for counter in site.counters}
        self._zones = {zone.id: zone.name for zone in site.zones}
        self._services = {service.id: service for service in site.services}
        self._items = {item.id: item.name for item in guide.items}
        self._floors = {floor.id: floor.name for floor in guide.floors}
        self._places = {place.id: place for place in guide.places}
        self._purposes = {purpose.id: purpose for purpose in guide.purposes}
        self._spots, self._edges = spots(guide), edges(guide)
        self._texts = [(p.id, tuple(_searched(p))) for p in guide.purposes]

    def shelves(self) -> tuple[Shelf, ...]:
        """All purposes, as they stand together."""
        return tuple(
            Shelf(
                group.id,
                self._words.name(group.name),
                tuple(self._tile(p) for p in self._guide.purposes if p.group == group.id),
            )
            for group in self._guide.groups
        )

    def found(self, typed: str) -> tuple[Tile, ...]:
        """The purposes that somebody may mean who types this, the best first."""
        return tuple(self._tile(self._purposes[name]) for name in find(typed, self._texts))

    def knows(self, purpose: str) -> bool:
        """Whether there is such a purpose."""
        return purpose in self._purposes

    def purpose(
        self,
        name: str,
        mirror: Mirror,
        now: datetime,
        *,
        start: str | None = None,
        step_free: bool = False,
    ) -> PurposeView:
        """One purpose at a moment; the way begins at a place, else at the entrance.

        Raises:
            KeyError: there is no such purpose.
        """
        purpose, words = self._purposes[name], self._words
        service = self._services.get(purpose.service or "")
        board = self._painter.board(
            mirror, now, services=(service.id,) if service else (), lots=(), zones=()
        )
        row = next(iter(board.services), None) if service else None
        place = self._places.get(purpose.place or "")
        return PurposeView(
            id=purpose.id,
            name=words.name(purpose.name),
            pictogram=purpose.pictogram,
            note=words.name(purpose.note),
            where=self._where(place, row),
            bring=tuple(words.name(self._items[item]) for item in purpose.bring),
            ways=self._ways(purpose, row),
            service=row,
            there=self._there(place, service, start, step_free=step_free) if place else None,
            board=board,
            good_until=board.good_until if row else now + timedelta(hours=1),
        )

    def _tile(self, purpose: Purpose) -> Tile:
        return Tile(purpose.id, self._words.name(purpose.name), purpose.pictogram)

    def _ways(self, purpose: Purpose, row: ServiceView | None) -> tuple[WayView, ...]:
        if purpose.instead is None:
            return row.instead if row else ()
        name = self._words.name
        return tuple(
            WayView(name=name(way.name), url=way.url, note=name(way.note))
            for way in purpose.instead
        )

    def _where(self, place: Place | None, row: ServiceView | None) -> str:
        """The windows of a service, or what the place is called."""
        if row is not None and (place is None or not place.name):
            return row.where
        return self._name(place) if place else ""

    def _name(self, place: Place) -> str:
        """What a place is called in a sentence."""
        words = self._words
        if place.name:
            return words.name(place.name)
        if place.counters:
            names = [self._counters.get(counter) for counter in place.counters]
            return words.counters(names, place.counters)
        return words.name(self._zones.get(place.zone or ""))

    def _label(self, place: Place) -> str:
        """The same in a drawing: numbers of windows alone, readings for what is read."""
        numbers = [
            "".join(filter(str.isdigit, self._words.name(self._counters.get(counter))))
            for counter in place.counters
        ]
        said = "・".join(filter(None, numbers)) or self._name(place)
        return _READ.sub(r"\2", str(said))

    def _there(
        self, place: Place, service: Service | None, start: str | None, *, step_free: bool
    ) -> WayThere | None:
        door = self._places.get(start or "") or self._guide.entrance
        if door is None:
            return None
        found = route(self._spots, self._edges, door.id, place.id, step_free=step_free)
        is_blocked = found is None
        if found is None:
            found = route(self._spots, self._edges, door.id, place.id)
        if found is None:
            return None
        served = set(service.counters) if service else set()
        goals = {place.id} | {p.id for p in self._guide.places if served & set(p.counters)}
        return WayThere(
            start=self._name(door),
            said=tuple(self._said(found, place)),
            plans=plans(self._guide, found, goals, self._words, self._label),
            has_steps=found.has_steps,
            is_blocked=is_blocked,
        )

    def _said(self, found: Route, place: Place) -> Iterator[str]:
        """The way in words, a sentence for each part of it."""
        words = self._words
        for i, leg in enumerate(found.legs):
            if leg.kind == "walk":
                yield self._walked(leg, is_first=i == 0 or found.legs[i - 1].kind != "walk")
            else:
                yield words(f"guide.{leg.kind}", floor=words.name(self._floors[leg.floor]))
        end = "guide.end" if found.side in {None, "back"} else f"guide.end_{found.side}"
        yield words(end, place=self._name(place))

    def _walked(self, leg: Leg, *, is_first: bool) -> str:
        words = self._words
        metres = round(leg.metres) if leg.metres < _FAR else round(leg.metres / 5) * 5
        if leg.turn in {None, "ahead"}:
            return words("guide.ahead", metres=max(1, metres))
        if leg.turn == "back":
            return words("guide.behind", metres=max(1, metres))
        corner = self._name(self._places[leg.corner])
        if corner and not is_first:
            return words(f"guide.{leg.turn}_at", place=corner, metres=max(1, metres))
        return words(f"guide.{leg.turn}", metres=max(1, metres))


def _searched(purpose: Purpose) -> Iterator[str]:
    """All by which a purpose is found, in all languages: whoever types does not say in which."""
    for name in purpose.name.values():
        yield folded(_READ.sub(r"\1", name))
        yield folded(_READ.sub(r"\2", name))
    for said in (*purpose.readings, *purpose.words):
        yield folded(said)
