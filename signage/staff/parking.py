"""`/staff/parking`: cars and people counted by hand, by whom, and what was believed before."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
from aiohttp import web

from models.contract.observations import SetCount
from models.contract.results import Free
from models.errors import BadUsage
from models.site import Names
from signage.painter import Painter
from signage.staff.entries import Entries, answered
from signage.staff.forms import Form
from signage.staff.room import Act, Done, Part, Person, Role, Room, View
from signage.staff.words import StaffWords
from signage.view import LotView, ZoneView

_KINDS = frozenset({"set"})
_MARGIN = (3, 0.15)  # so many, or this share of the capacity, beside what is believed is a surprise


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A lot, its bays for disabled visitors (`whole` is of which lot), or a zone."""

    id: str
    names: Names | None
    capacity: int
    is_zone: bool = False
    whole: str | None = None

    @property
    def most(self) -> int:
        """What can be counted at most. A zone may be over its capacity, and staff must say so."""
        return 2 * self.capacity if self.is_zone else self.capacity


class Belief(msgspec.Struct, frozen=True):
    """How many are there: seldom fewer than `low`, seldom more than `high`."""

    low: int
    middle: int
    high: int


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A place as its page shows it."""

    place: Place
    name: str
    row: LotView | ZoneView | None
    now: str
    last: str
    asked: int | None


class Parking(Part):
    """Counts by hand."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._entries = Entries(room, "parking.json")
        self._painters: dict[str, Painter] = {}
        self._places = {place.id: place for place in _places(room)}

    def menu(self) -> Mapping[str, str]:
        """In the navigation, where there is anything to count."""
        return {"/parking": "menu.parking"} if self._places else {}

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """The page."""
        return {"/parking": ("counter", self._page)}

    def acts(self) -> Mapping[str, tuple[Role, Act]]:
        """What is done there."""
        return {
            "/parking/set": ("counter", self._set),
            "/parking/undo": ("counter", self._undo),
        }

    async def _page(self, request: web.Request, person: Person) -> web.Response:
        words, now = self._room.words(person), self._room.clock.now()
        if person.language not in self._painters:
            self._painters[person.language] = Painter(self._room.site, words, curves=False)
        board = self._painters[person.language].board(self._room.mirror, now)
        rows: dict[str, LotView | ZoneView] = {row.id: row for row in board.lots}
        rows |= {row.id: row for row in board.zones}
        asked, count = request.query.get("check", ""), request.query.get("count", "")
        shown = [
            Shown(
                place=place,
                name=_name(place, words),
                row=rows.get(place.id),
                now=self._now(place, words, now),
                last=self._last(place, words, now),
                asked=int(count) if asked == place.id and _is_count(count) else None,
            )
            for place in self._places.values()
        ]
        undo = self._entries.to_undo(person, _KINDS)
        last = ""
        if undo is not None and undo.back is not None and undo.name in self._places:
            name = _name(self._places[undo.name], words)
            last = words(
                "parking.undo", name=name, count=undo.said["count"], before=undo.back["count"]
            )
        return self._room.page(
            person,
            "staff_parking.html",
            shown=shown,
            board=board,
            undo=(undo.key, last) if undo is not None and last else None,
        )

    def _believed(self, place: Place, now: datetime) -> Belief | None:
        """What the hub believes now; None if it does not know."""
        mirror = self._room.mirror
        if place.is_zone:
            zone = mirror.zone(place.id)
            if zone is None or zone.people is None or zone.valid_until <= now:
                return None
            return Belief(zone.people, zone.people, zone.people)
        lot = mirror.lot(place.whole or place.id)
        if lot is None or lot.state != "open" or lot.valid_until <= now:
            return None
        free: Free | None = lot.free
        if place.whole is not None:
            free = lot.accessible.free if lot.accessible else None
        if free is None:
            return None
        return Belief(*(max(place.capacity - each, 0) for each in (free.p90, free.p50, free.p10)))

    def _now(self, place: Place, words: StaffWords, now: datetime) -> str:
        found = self._believed(place, now)
        if found is None:
            return words("parking.unknown")
        key = "parking.people" if place.is_zone else "parking.cars"
        return words(key, low=found.low, count=found.middle, high=found.high)

    def _last(self, place: Place, words: StaffWords, now: datetime) -> str:
        """Who counted last, when, and what was believed then."""
        entry = self._entries.last("set", place.id)
        if entry is None:
            return words("parking.never")
        count, before = entry.said["count"], entry.told.get("middle")
        said = words("parking.last", count=count, who=entry.by, time=words.opening(entry.at, now))
        if before is None:
            return said
        return f"{said} {words('parking.before', count=before)}"

    async def _set(self, fields: Mapping[str, str], person: Person) -> Done:
        words, now = self._room.words(person), self._room.clock.now()
        form = Form(fields, words, self._room.site.zone_info)
        place = self._places[form.one_of("place", self._places)]
        is_free = form.one_of("of", ("there",) if place.is_zone else ("there", "free")) == "free"
        count = form.number("count", 0, place.most)
        count = place.capacity - count if is_free else count
        before = self._believed(place, now)
        if fields.get("sure") != str(count) and _surprises(count, before, place):
            return Done(
                what=f"{place.id}: {count}? asked again, {_told(before)}",
                back=f"/parking?check={place.id}&count={count}#place-{place.id}",
            )
        by = person.name[:64]
        await self._enter(person, place, SetCount(count=count, by=by), before)
        said = words("parking.done", name=_name(place, words), count=count)
        return self._done(f"{place.id}: {count}, {_told(before)}", said, words)

    async def _enter(
        self, person: Person, place: Place, reading: SetCount, before: Belief | None
    ) -> None:
        """Send it, and wait until residents see it."""
        mirror, by = self._room.mirror, reading.by
        back = None if before is None else SetCount(count=before.middle, by=by)
        told = {} if before is None else msgspec.structs.asdict(before)

        def state() -> object:
            return mirror.zone(place.id) if place.is_zone else mirror.lot(place.whole or place.id)

        was = state()
        await self._entries.enter(person, place.id, reading, back, told)
        await answered(mirror, lambda: state() != was)

    async def _undo(self, fields: Mapping[str, str], person: Person) -> Done:
        words, entry = self._room.words(person), self._entries.to_undo(person, _KINDS)
        if entry is None or entry.back is None or entry.key != fields.get("key"):
            raise BadUsage(words("undo.late"))
        place, count = self._places[entry.name], entry.back["count"]
        await self._entries.undo(entry)
        said = words("parking.done", name=_name(place, words), count=count)
        return self._done(f"{place.id}: took {entry.said['count']} back to {count}", said, words)

    def _done(self, what: str, said: str, words: StaffWords) -> Done:
        if self._room.mirror.hub_gone:
            said = f"{said} {words('staff.kept')}"
        return Done(what=what, back="/parking", said=said)


def _places(room: Room) -> Iterator[Place]:
    """All that can be counted."""
    site = room.site
    for lot in site.lots:
        yield Place(id=lot.id, names=lot.name, capacity=lot.capacity, whole=lot.accessible_of)
    for zone in site.zones:
        yield Place(id=zone.id, names=zone.name, capacity=zone.capacity, is_zone=True)


def _name(place: Place, words: StaffWords) -> str:
    otherwise = "heading.zones" if place.is_zone else "heading.lots"
    if place.whole is not None:
        otherwise = "lot.accessible"
    return words.name(place.names, words(otherwise))


def _surprises(count: int, before: Belief | None, place: Place) -> bool:
    """Whether one should look again: it may be a slip of the finger."""
    if count > place.capacity:
        return True
    if before is None:
        return False
    margin = max(_MARGIN[0], _MARGIN[1] * place.capacity)
    return not before.low - margin <= count <= before.high + margin


def _told(before: Belief | None) -> str:
    return "nothing was known" if before is None else f"{before.middle} was believed"


def _is_count(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 8  # noqa: PLR2004
