"""`/staff/desk`: what a clerk says of a service while people wait, one touch each."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from models.calendar import Calendar
from models.contract.observations import KIND_OF, Counter, Pause, PostNotice, Reading, SetLevel
from models.contract.results import Result, ServiceResult
from models.errors import BadUsage
from models.site import Names, Service
from signage.painter import Painter
from signage.staff.entries import Entries, Entry, answered, put_up_again
from signage.staff.forms import Form
from signage.staff.room import Act, Done, Part, Person, Role, Room, View
from signage.staff.words import StaffWords
from signage.view import ServiceView
from signage.wording import SHAPES, Words

REMIND = timedelta(minutes=5)
"""So long before something runs out, the clerk reads that it will."""

_PAUSES = (15, 30, 60)
_LASTS = ("30", "60", "day")
_QUICK = ("quick.slow", "quick.tickets", "quick.machine")
_KINDS = frozenset({"level", "pause", "counter", "notice"})
_OPEN = {"open": True, "closed": False, "plan": None}
_SAME = timedelta(seconds=5)
_AGAIN_S = 3600
_LONGEST = 24  # of a service's id, as part of a notice's


class CounterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One window. `said` is what was said here today: a key of `_OPEN`."""

    id: str
    name: str
    said: str


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """A quick text that stands."""

    id: str
    text: str
    until: str


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """One service, as its clerk sees it. `soon` says what runs out."""

    id: str
    row: ServiceView
    level: int | None
    level_said: str
    soon: str
    paused: str
    counters: tuple[CounterRow, ...]
    quick: tuple[str, ...]
    posted: tuple[Posted, ...]


class DeskPart(Part):
    """Levels, pauses, counters and quick texts of all services, or of one `?service=`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._mirror = room.mirror
        self._entries = Entries(room, "desk.json")
        self._calendar = Calendar(room.site)
        self._services = {service.id: service for service in room.site.services}
        self._counters = {counter.id: counter.name for counter in room.site.counters}
        self._painters: dict[str, Painter] = {}
        zone = room.site.zone_info
        spoken: dict[str, Words] = {code: Words(code, zone) for code in room.site.site.languages}
        self._quick = {name: _quick(service, spoken) for name, service in self._services.items()}

    def menu(self) -> Mapping[str, str]:
        """In the navigation."""
        return {"/desk": "menu.desk"} if self._services else {}

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """The page."""
        return {"/desk": ("counter", self._page)}

    def acts(self) -> Mapping[str, tuple[Role, Act]]:
        """What a clerk does there."""
        return {
            "/desk/level": ("counter", self._level),
            "/desk/pause": ("counter", self._pause),
            "/desk/counter": ("counter", self._counter),
            "/desk/text": ("counter", self._text),
            "/desk/down": ("counter", self._down),
            "/desk/undo": ("counter", self._undo),
        }

    # ── the page ──────────────────────────────────────────────────────────────────────────────

    async def _page(self, request: web.Request, person: Person) -> web.Response:
        words, now = self._room.words(person), self._room.clock.now()
        asked = request.query.get("service", "")
        only = asked if asked in self._services else ""
        if person.language not in self._painters:
            self._painters[person.language] = Painter(self._room.site, words)
        board = self._painters[person.language].board(
            self._mirror, now, services=(only,) if only else (), lots=(), zones=()
        )
        undo = self._entries.to_undo(person, _KINDS)
        return self._room.page(
            person,
            "staff_desk.html",
            desks=[self._desk(row, words, now) for row in board.services],
            board=board,
            only=only,
            services=[(s.id, words.name(s.name)) for s in self._services.values()],
            shapes=SHAPES,
            pauses=[(minutes, words.time(_after(now, minutes))) for minutes in _PAUSES],
            lasts=_LASTS,
            undo=None if undo is None else (undo.key, self._said(undo, words)),
            again_s=self._again_s([row.id for row in board.services], now),
        )

    def _desk(self, row: ServiceView, words: StaffWords, now: datetime) -> Desk:
        result = self._mirror.service(row.id)
        is_ours = result is not None and result.basis == "staff" and row.has_values
        ends = _ends(result, now)
        soon = ""
        if ends is not None and ends - now <= REMIND:
            key = "desk.soon.pause" if row.phase == "paused" else "desk.soon.level"
            soon = words(key, service=row.name, minutes=max(1, round((ends - now).seconds / 60)))
        paused = ""
        if row.phase == "paused":
            back = result and result.opens_at
            said = words("desk.paused.until", time=words.time(back)) if back else ""
            paused = said or words("desk.paused.closed")
        return Desk(
            id=row.id,
            row=row,
            level=result.level if result is not None and is_ours else None,
            level_said=self._level_said(row, result, words, now),
            soon=soon,
            paused=paused,
            counters=tuple(self._rows(self._services[row.id], words, now)),
            quick=tuple(words.pick(texts)[1] for texts in self._quick[row.id]),
            posted=tuple(self._posted(row.id, words, now)),
        )

    def _level_said(
        self, row: ServiceView, result: ServiceResult | None, words: StaffWords, now: datetime
    ) -> str:
        """Who said how busy it is, and until when that is shown; or why it is not."""
        entry = self._entries.last("level", row.id)
        if result is not None and row.has_values and result.basis in {"tickets", "queue"}:
            return words("desk.level.measured")
        if result is not None and row.has_values and result.basis == "staff":
            seen = result.observed_at or now
            is_ours = entry is not None and abs(entry.at - seen) < _SAME
            return words(
                "desk.level.said",
                who=entry.by if entry and is_ours else words("desk.level.button"),
                time=words.time(seen),
                until=words.time(result.valid_until),
            )
        lasts = timedelta(seconds=self._room.site.freshness.button_s)
        if entry is not None and entry.at + lasts <= now < entry.at + 2 * lasts:
            return words("desk.level.ended", time=words.time(entry.at + lasts))
        return words("desk.level.none", minutes=round(lasts.total_seconds() / 60))

    def _rows(self, service: Service, words: StaffWords, now: datetime) -> Iterator[CounterRow]:
        for name in service.counters:
            said = words.counters([self._counters[name]], [name])
            yield CounterRow(id=name, name=said, said=self._turned(name, now))

    def _turned(self, counter: str, now: datetime) -> str:
        """What was said here of a counter today; else its timetable counts."""
        entry = self._entries.last("counter", counter)
        if entry is None or self._calendar.day_of(entry.at) != self._calendar.day_of(now):
            return "plan"
        return _turn_of(entry)

    def _posted(self, service: str, words: StaffWords, now: datetime) -> Iterator[Posted]:
        notices = self._mirror.notices()
        for name in self._names(service):
            notice = notices.get(name)
            if notice is not None and (notice.until is None or notice.until > now):
                until = words.opening(notice.until, now) if notice.until else ""
                yield Posted(id=name, text=words.pick(notice.texts)[1], until=until)

    def _names(self, service: str) -> list[str]:
        """What the quick texts of a service are called as notices."""
        hashed = hashlib.sha256(service.encode()).hexdigest()[:_LONGEST]
        short = service if len(service) <= _LONGEST else hashed
        return [f"desk-{short}-{i}" for i in range(len(self._quick[service]))]

    def _again_s(self, shown: list[str], now: datetime) -> int:
        """In how many seconds the page has something to remind of."""
        ends = [_ends(self._mirror.service(name), now) for name in shown]
        edges = [edge for end in ends if end is not None for edge in (end - REMIND, end)]
        due_s = [(edge - now).total_seconds() for edge in edges if edge > now]
        return round(min([*due_s, _AGAIN_S]) / self._mirror.clock.speed) + 1

    # ── what a clerk does ─────────────────────────────────────────────────────────────────────

    async def _level(self, fields: Mapping[str, str], person: Person) -> Done:
        form, words, service = self._read(fields, person)
        level = form.number("level", 1, 4)
        await self._enter(person, service.id, SetLevel(level=level), SetLevel(level=None))
        said = words(
            "desk.done.level", service=words.name(service.name), level=words(f"level.{level}")
        )
        return self._done(f"{service.id}: level {level}", said, fields, words)

    async def _pause(self, fields: Mapping[str, str], person: Person) -> Done:
        form, words, service = self._read(fields, person)
        before, now = self._mirror.service(service.id), self._room.clock.now()
        is_paused = before is not None and before.state == "paused" and before.valid_until > now
        back = Pause(paused=is_paused, until=before.opens_at if before and is_paused else None)
        name = words.name(service.name)
        if form.one_of("do", ("pause", "on")) == "on":
            await self._enter(person, service.id, Pause(paused=False), back)
            return self._done(
                f"{service.id}: goes on", words("desk.done.on", service=name), fields, words
            )
        until = form.later("at", now)
        if until is None:
            until = _after(now, int(form.one_of("minutes", [str(each) for each in _PAUSES])))
        await self._enter(person, service.id, Pause(paused=True, until=until), back)
        time = words.time(until)
        said = words("desk.done.pause", service=name, time=time)
        return self._done(f"{service.id}: paused until {time}", said, fields, words)

    async def _counter(self, fields: Mapping[str, str], person: Person) -> Done:
        form, words, service = self._read(fields, person)
        counter = form.one_of("counter", service.counters)
        asked = form.one_of("open", _OPEN)
        back = Counter(open=_OPEN[self._turned(counter, self._room.clock.now())])
        await self._enter(person, counter, Counter(open=_OPEN[asked]), back)
        said = words(f"desk.done.{asked}", counter=self._counter_name(counter, words))
        return self._done(f"{counter}: {asked}", said, fields, words)

    async def _text(self, fields: Mapping[str, str], person: Person) -> Done:
        form, words, service = self._read(fields, person)
        names, now = self._names(service.id), self._room.clock.now()
        number = int(form.one_of("text", [str(i) for i in range(len(names))]))
        lasts = form.one_of("lasts", _LASTS)
        until = self._evening(now) if lasts == "day" else _after(now, int(lasts))
        by, texts = person.name[:64], self._quick[service.id][number]
        await self._enter(
            person,
            names[number],
            PostNotice(by=by, until=until, texts=texts),
            PostNotice(by=by, cancel=True),
        )
        text, time = words.pick(texts)[1], words.opening(until, now)
        said = words("desk.done.text", text=text, time=time)
        return self._done(f"{service.id}: {text!r} until {time}", said, fields, words)

    async def _down(self, fields: Mapping[str, str], person: Person) -> Done:
        form, words, service = self._read(fields, person)
        notices = self._mirror.notices()
        name = form.one_of("name", [each for each in self._names(service.id) if each in notices])
        cancel = PostNotice(by=person.name[:64], cancel=True)
        await self._enter(person, name, cancel, put_up_again(notices[name], person.name))
        return self._done(f"{name}: taken down", words("desk.done.down"), fields, words)

    async def _undo(self, fields: Mapping[str, str], person: Person) -> Done:
        words, entry = self._room.words(person), self._entries.to_undo(person, _KINDS)
        if entry is None or entry.key != fields.get("key"):
            raise BadUsage(words("undo.late"))
        before = self._state(*entry.thing)
        await self._entries.undo(entry)
        await answered(self._mirror, lambda: self._state(*entry.thing) != before)
        said = words("undo.done", what=self._said(entry, words))
        return self._done(f"took back {entry.kind} {entry.name}", said, fields, words)

    async def _enter(self, person: Person, name: str, reading: Reading, back: Reading) -> None:
        """Send it, and wait until residents see what follows from it."""
        kind = KIND_OF[type(reading)]
        before = self._state(kind, name)
        await self._entries.enter(person, name, reading, back)
        await answered(self._mirror, lambda: self._state(kind, name) != before)

    def _state(self, kind: str, name: str) -> Result | None:
        """What residents see of a thing that is entered; of a counter its service."""
        if kind == "notice":
            return self._mirror.notices().get(name)
        if kind == "counter":
            name = next(s.id for s in self._services.values() if name in s.counters)
        return self._mirror.service(name)

    def _done(self, what: str, said: str, fields: Mapping[str, str], words: StaffWords) -> Done:
        """Back to the service's place on the page."""
        if self._mirror.hub_gone:
            said = f"{said} {words('staff.kept')}"
        only = fields.get("only", "")
        asked = f"?service={only}" if only in self._services else ""
        service = fields.get("service", "")
        place = f"#desk-{service}" if service in self._services and not asked else ""
        return Done(what=what, back=f"/desk{asked}{place}", said=said)

    def _read(self, fields: Mapping[str, str], person: Person) -> tuple[Form, StaffWords, Service]:
        words = self._room.words(person)
        form = Form(fields, words, self._room.site.zone_info)
        return form, words, self._services[form.one_of("service", self._services)]

    def _said(self, entry: Entry, words: StaffWords) -> str:
        """What somebody entered, in a line."""
        what: str
        said, service = entry.said, self._services.get(entry.name)
        name = words.name(service.name) if service else entry.name
        if entry.kind == "counter":
            counter = self._counter_name(entry.name, words)
            what = words(f"desk.done.{_turn_of(entry)}", counter=counter)
        elif entry.kind == "notice" and said.get("texts"):
            what = words.pick(said["texts"])[1]
        elif entry.kind == "notice":
            what = words("desk.done.down")
        elif entry.kind == "level":
            what = words("desk.done.level", service=name, level=words(f"level.{said['level']}"))
        elif said["paused"]:
            time = words.time(datetime.fromisoformat(said["until"]))
            what = words("desk.done.pause", service=name, time=time)
        else:
            what = words("desk.done.on", service=name)
        return what

    def _counter_name(self, counter: str, words: StaffWords) -> str:
        return words.counters([self._counters.get(counter)], [counter])

    def _evening(self, now: datetime) -> datetime:
        """When the office closes today; in the night, the next midnight."""
        today = self._calendar.day_of(now)
        ends = [end for _, end in self._calendar.office(today) if end > now]
        if ends:
            return max(ends)
        tomorrow = datetime.combine(today + timedelta(days=1), datetime.min.time())
        return tomorrow.replace(tzinfo=self._room.site.zone_info)


def _after(now: datetime, minutes: int) -> datetime:
    """So many minutes later, to the minute."""
    return (now + timedelta(minutes=minutes)).replace(second=0, microsecond=0)


def _ends(result: ServiceResult | None, now: datetime) -> datetime | None:
    """When what staff said of a service runs out; None if nothing of it is shown."""
    if result is None or result.valid_until <= now:
        return None
    if result.state == "paused":
        return result.opens_at
    return result.valid_until if result.state == "open" and result.basis == "staff" else None


def _turn_of(entry: Entry) -> str:
    """How a counter was turned: a key of `_OPEN`."""
    return next(key for key, value in _OPEN.items() if value is entry.said["open"])


def _quick(service: Service, spoken: Mapping[str, Words]) -> list[Names]:
    """The quick texts of a service in the office's languages, each after the service's name."""
    ours = [{code: str(words(key)) for code, words in spoken.items()} for key in _QUICK]
    return [
        {
            code: str(words("quick.of", service=words.name(service.name), text=texts[code]))
            for code, words in spoken.items()
            if code in texts
        }
        or texts
        for texts in (*service.quick, *ours)
    ]
