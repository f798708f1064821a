"""Turns the mirror's results into what is shown: every word of it is made here."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from models.calendar import Calendar
from models.contract.results import (
    AccessibleResult,
    Call,
    Free,
    LotResult,
    Result,
    ServiceResult,
    Vacancy,
    ZoneResult,
)
from models.freshness import Life, State, life_of
from models.screens.announce import key_of
from models.screens.truth import VACANCY_LEVEL
from models.site import Lot, Service, Site, Zone
from signage.answer import BUSY, Busy, answer, quieter
from signage.curve import best_of, curve_of
from signage.event import as_event, when_held
from signage.mirror import Mirror
from signage.near import nearest
from signage.view import (
    Board,
    CallsView,
    CallView,
    LotView,
    NearView,
    NoticeView,
    ServiceView,
    View,
    WayView,
    ZoneView,
)
from signage.wording import Words

_ENOUGH = 100  # tickets: the mean error of fewer says little
_BOOK_AGES = timedelta(minutes=15)  # of reservations; from then on their age is shown
_GRAVE = {"emergency": 0, "warning": 1, "info": 2}


class Painter:
    """Makes boards of one site in one language."""

    def __init__(
        self, site: Site, words: Words, others: Sequence[Mirror] = (), *, curves: bool = True
    ) -> None:
        """Take the other offices of the city, and whether curves are shown: most time is theirs."""
        self._others = others
        self._curves = curves
        self._site = site
        self._words = words
        self._calendar = Calendar(site)
        self._counter_names = {counter.id: counter.name for counter in site.counters}
        self._service_names = {service.id: service.name for service in site.services}

    def board(
        self,
        mirror: Mirror,
        now: datetime,
        *,
        services: Sequence[str] = (),
        lots: Sequence[str] | None = None,
        zones: Sequence[str] | None = None,
    ) -> Board:
        """All of a site, or of one display: its `services` (none named: all), lots and zones."""
        site = self._site
        shown_zones = [z for z in site.zones if zones is None or z.id in zones]
        rows = tuple(
            self._service(s, mirror, now)
            for s in site.services
            if (not services or s.id in services) and self.shows(s.id, now)
        )
        lot_rows = tuple(
            self._lot(item, mirror.lot(item.id), now)
            for item in site.car_parks
            if lots is None or item.id in lots
        )
        zone_rows = tuple(self._zone(item, mirror.zone(item.id), now) for item in shown_zones)
        calls = self._calls(mirror, now, {row.id for row in rows})
        notices = [*self._notices(mirror, now), *self._full(shown_zones, mirror, now)]
        notices.sort(key=lambda view: (_GRAVE[view.severity], view.id))
        near = [row.near for row in rows if row.near]
        quiet = quieter(self._busy(rows, mirror), self._words, now)
        measured = self._measured(mirror, now)
        lines = [view for view in (quiet, measured) if view]
        views = (*rows, *lot_rows, *zone_rows, calls, *notices, *near, *lines)
        lives = [view.life for view in views]
        minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return Board(
            language=self._words.language,
            site=self._words.name(site.site.name),
            as_of=self._words("as_of", time=self._words.time(now)),
            answer=answer(rows, self._words, self._calendar, now),
            quieter=quiet,
            measured=measured,
            services=rows,
            lots=lot_rows,
            zones=zone_rows,
            calls=calls,
            notices=tuple(notices),
            hub_gone=mirror.hub_gone,
            good_until=min([minute, *(at for life in lives for at in life.changes(now))]),
        )

    def shows(self, service: str, now: datetime) -> bool:
        """Whether residents are told of a service: one of given dates comes and goes."""
        return self._calendar.is_shown(service, self._calendar.day_of(now))

    def _state(
        self, result: Result | None, state: State, now: datetime, word: str, level: int | None
    ) -> View:
        """What all views have: the life of a result and the words for each phase."""
        words = self._words
        life = life_of(result, state)
        phase = life.phase(now)
        note = ""
        if phase == "closed":
            word, level = words("state.closed"), None
            if life.opens_at is not None:
                note = words("closed.next", when=words.opening(life.opens_at, now))
        elif phase == "paused":
            word, level = words("state.paused"), None
            if life.opens_at is not None:
                note = words("paused.until", time=words.time(life.opens_at))
        elif phase in ("stale", "no_data"):
            word, level = words("state.checking"), None
            note = words("state.no_data") if phase == "no_data" else self._last(life)
        return View(
            life=life,
            phase=phase,
            age=words.age(life.observed_at, now) if life.observed_at else "",
            word=word or words("state.checking"),
            level=level,
            note=note,
            stale=self._last(life),
        )

    def _last(self, life: Life) -> str:
        if life.observed_at is None:
            return ""
        return self._words("stale.last", time=self._words.time(life.observed_at))

    def _service(self, service: Service, mirror: Mirror, now: datetime) -> ServiceView:
        words = self._words
        result = mirror.service(service.id)
        level = result.level if result else None
        word = words(f"level.{level}") if level else ""
        base = self._state(result, result.state if result else "no_data", now, word, level)
        base = as_event(base, service, self._calendar, words, now)
        shown = result if base.has_values else None
        people = shown.waiting if shown else None
        spread = shown.wait if shown else None
        names = [self._counter_names.get(counter) for counter in service.counters]
        unknown = words("unknown")
        forecast = mirror.service_forecast(service.id)
        return ServiceView(
            **_fields(base),
            id=service.id,
            name=words.name(service.name),
            where=words.name(service.place) or words.counters(names, service.counters),
            people=unknown if people is None else words("people", count=people),
            waiting="" if people is None else words("people.unit", count=people),
            wait=unknown if spread is None else words.wait(spread),
            called=shown.called if shown else None,
            booked=tuple(self._booked(shown, now)) if shown else (),
            curve=curve_of(forecast, words, now) if self._curves else None,
            best=best_of(forecast, words, now) if shown and level and level > 1 else "",
            near=self._near(service, shown, now) if shown else None,
            instead=tuple(
                WayView(name=words.name(way.name), url=way.url, note=words.name(way.note))
                for way in service.instead
            ),
            held=when_held(service, self._calendar, words, now),
            address=words.name(service.address),
            map=service.map,
        )

    def _booked(self, shown: ServiceResult, now: datetime) -> Iterator[str]:
        """Those with a reservation, with the age of their book where it is no longer of now."""
        words, booked = self._words, shown.booked
        if booked is msgspec.UNSET:
            return
        if booked.left and booked.next_at is not None:
            yield words("booked.left", count=booked.left, time=words.time(booked.next_at))
        else:
            yield words("booked.none")
        if now - booked.as_of >= _BOOK_AGES:
            yield words("as_of", time=words.opening(booked.as_of, now))
        if booked.free_at is not None and booked.free_at > now:
            yield words("booked.free", when=words.opening(booked.free_at, now))

    def _busy(self, rows: Sequence[ServiceView], mirror: Mirror) -> list[Busy]:
        """The services that are busy now."""
        levels = {row.id: row.level for row in rows if row.has_values}
        return [
            Busy(service, result, mirror.service_forecast(service.id))
            for service in self._site.services
            if (levels.get(service.id) or 0) >= BUSY and (result := mirror.service(service.id))
        ]

    def _measured(self, mirror: Mirror, now: datetime) -> View | None:
        """The mean error of what was told of all services, once it rests on enough tickets."""
        found = [mirror.accuracy(service.id) for service in self._site.services]
        held = [one for one in found if one and one.total and now < one.valid_until]
        totals = [one.total for one in held if one.total]
        count = sum(total.count for total in totals)
        if count < _ENOUGH:
            return None
        error_s = sum(total.error_s * total.count for total in totals) / count
        life = Life("open", valid_until=min(one.valid_until for one in held))
        word = self._words("measured.error", minutes=max(1, round(error_s / 60)))
        return View(life=life, phase=life.phase(now), word=word)

    def _near(self, service: Service, here: ServiceResult, now: datetime) -> NearView | None:
        words = self._words
        near = nearest(here, service.id, self._site.site.location, self._others, now)
        if near is None:
            return None
        said = {"name": words.name(near.site.site.name), "wait": words.wait(near.wait)}
        return NearView(
            life=near.life,
            phase=near.life.phase(now),
            word=words("city.near", **said)
            if near.km is None
            else words("city.near_km", **said, distance=words.distance(near.km)),
            site=near.site.id,
        )

    def _lot(self, lot: Lot, result: LotResult | None, now: datetime) -> LotView:
        words = self._words
        vacancy = result.vacancy if result else None
        word = words(f"lot.{vacancy}") if vacancy else ""
        level = VACANCY_LEVEL[vacancy] if vacancy else None
        base = self._state(result, result.state if result else "no_data", now, word, level)
        if base.phase == "closed":
            base = msgspec.structs.replace(base, word=words("lot.closed"))
        shown = result if base.has_values else None
        accessible = shown.accessible if shown else None
        return LotView(
            **_fields(base),
            id=lot.id,
            name=words.name(lot.name, words("heading.lots")),
            said=self._free(vacancy, shown.free) if shown else "",
            accessible=self._accessible(accessible) if accessible else "",
        )

    def _free(self, vacancy: Vacancy | None, free: Free | None) -> str:
        """「空 12台」; nothing where the word says it all."""
        return "" if vacancy == "full" or free is None else self._words("lot.free", count=free.p50)

    def _accessible(self, bays: AccessibleResult) -> str:
        if bays.vacancy == "full":
            return self._words("lot.full")
        return self._free(bays.vacancy, bays.free) or self._words("unknown")

    def _zone(self, zone: Zone, result: ZoneResult | None, now: datetime) -> ZoneView:
        words = self._words
        level = result.level if result else None
        word = words(f"level.{level}") if level else ""
        if result is not None and result.over:
            word = words("zone.over")
        base = self._state(result, result.state if result else "no_data", now, word, level)
        people = result.people if result and base.has_values else None
        return ZoneView(
            **_fields(base),
            id=zone.id,
            name=words.name(zone.name, words("heading.zones")),
            people="" if people is None else words("zone.people", count=people),
            capacity=words("zone.capacity", count=zone.capacity),
        )

    def _calls(self, mirror: Mirror, now: datetime, services: set[str]) -> CallsView:
        result = mirror.calls()
        base = self._state(result, "open" if result else "no_data", now, "", None)
        known = result if base.has_values else None
        calls, missed = (known.calls, known.missed) if known else ((), ())
        return CallsView(
            **_fields(base),
            calls=tuple(self.call(call) for call in calls if call.service in services),
            missed=tuple(self.call(call) for call in missed if call.service in services),
        )

    def call(self, call: Call) -> CallView:
        """One called ticket."""
        words = self._words
        counter = self._counter_names.get(call.counter or "")
        name = words.name(counter, call.counter or "")
        return CallView(
            key=key_of(call),
            at=call.at,
            number=call.number,
            service=words.name(self._service_names.get(call.service), call.service),
            go=words.counter(name) if name else "",
        )

    def _full(self, zones: Sequence[Zone], mirror: Mirror, now: datetime) -> Iterator[NoticeView]:
        """A warning for each zone with too many people; it ends with the count."""
        words = self._words
        for zone in zones:
            result = mirror.zone(zone.id)
            if result is None or not result.over:
                continue
            base = self._state(result, result.state, now, "", None)
            if base.has_values:
                name = words.name(zone.name, words("heading.zones"))
                yield NoticeView(
                    **_fields(base),
                    id=f"full/{zone.id}",
                    severity="warning",
                    language=words.language,
                    text=words("zone.full", name=name, count=zone.capacity),
                )

    def _notices(self, mirror: Mirror, now: datetime) -> Iterator[NoticeView]:
        """What holds now."""
        for name, notice in mirror.notices().items():
            end = min(notice.valid_until, notice.until or notice.valid_until)
            lasting = msgspec.structs.replace(notice, valid_until=end)
            base = self._state(lasting, "open", now, "", None)
            has_begun = notice.since is None or notice.since <= now
            if base.has_values and has_begun and notice.texts:
                language, text = self._words.pick(notice.texts)
                yield NoticeView(
                    **_fields(base),
                    id=name,
                    severity=notice.severity,
                    language=language,
                    text=text,
                    others=tuple(each for each in notice.texts.items() if each[0] != language),
                )


def _fields(view: View) -> dict[str, Any]:
    return {name: getattr(view, name) for name in View.__struct_fields__}
