"""`/staff/emergency`: one proposes, another confirms the very same, and every screen shows it."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from aiohttp import web

from models.contract.observations import PostNotice
from models.contract.results import ProposalResult
from models.errors import BadUsage
from models.site import Names
from models.state.notices import person as same_person
from signage.display.switch import leave
from signage.posting import confirmed
from signage.staff.entries import answered
from signage.staff.forms import Form
from signage.staff.notices import standing, taken_down
from signage.staff.room import Act, Done, Part, Person, Role, Room, View
from signage.staff.words import StaffWords
from signage.staff.writing import Draft, Writing

_LASTS = ("", "30", "60", "240")
"""Minutes; the first is until somebody cancels it."""


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """An emergency that waits, as it is read by who is to confirm it."""

    id: str
    by: str
    is_drill: bool
    is_own: bool
    seal: str
    late: str
    until: str
    texts: tuple[tuple[str, str], ...]


class Emergencies(Part):
    """Proposals, what stands, and a new one."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._writing = Writing(room)
        self._leave = leave()

    def menu(self) -> Mapping[str, str]:
        """In the navigation."""
        return {"/emergency": "menu.emergency"}

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """Any clerk may be the second person; to propose one is for who looks after the house."""
        return {
            "/emergency": ("counter", self._page),
            "/emergency/preview": ("facility", self._preview),
        }

    def acts(self) -> Mapping[str, tuple[Role, Act]]:
        """What is done there."""
        return {
            "/emergency/draft": ("facility", self._draft),
            "/emergency/propose": ("facility", self._propose),
            "/emergency/confirm": ("counter", self._confirm),
            "/emergency/cancel": ("counter", self._cancel),
        }

    async def _page(self, request: web.Request, person: Person) -> web.Response:
        _ = request
        words, draft = self._room.words(person), self._writing.kept(person)
        found = self._room.mirror.proposals().items()
        return self._room.page(
            person,
            "staff_emergency.html",
            waiting=[self._proposed(name, one, person, words) for name, one in found],
            standing=[e for e in standing(self._room, words) if e.severity == "emergency"],
            screens=len(self._room.site.displays),
            may_propose=person.may("facility"),
            tongues=self._writing.languages,
            draft=draft.notice if draft else PostNotice(by=""),
            lasts=_LASTS,
            alone=self._room.site.emergency.drills_by_one,
            hub_gone=self._room.mirror.hub_gone,
        )

    async def _preview(self, request: web.Request, person: Person) -> web.Response:
        _ = request
        words, draft = self._room.words(person), self._writing.kept(person)
        if draft is None:
            raise BadUsage(words("news.none"))
        notice, now = draft.notice, self._room.clock.now()
        is_alone = notice.drill and self._room.site.emergency.drills_by_one
        end = words("alarm.open")
        if notice.until is not None:
            end = words("alarm.until", time=words.opening(notice.until, now))
        return self._room.page(
            person,
            "staff_preview.html",
            draft=draft,
            where="emergency",
            title=words("alarm.preview.drill" if notice.drill else "alarm.preview"),
            lines=[
                words("alarm.will.alone" if is_alone else "alarm.will.two"),
                words("alarm.screens", count=len(self._room.site.displays)),
                end,
                words("alarm.is_drill" if notice.drill else "alarm.is_true"),
            ],
            button=words("alarm.show" if is_alone else "alarm.propose"),
            previews=list(self._writing.previews(notice)),
        )

    def _proposed(
        self, name: str, found: ProposalResult, person: Person, words: StaffWords
    ) -> Proposed:
        until, now = found.until, self._room.clock.now()
        return Proposed(
            id=name,
            by=found.by,
            is_drill=found.drill,
            is_own=same_person(found.by) == same_person(person.name),
            seal=_seal(found),
            late=words.time(found.valid_until),
            until=words("alarm.open")
            if until is None
            else words("alarm.until", time=words.opening(until, now)),
            texts=tuple(found.texts.items()),
        )

    async def _draft(self, fields: Mapping[str, str], person: Person) -> Done:
        words, now = self._room.words(person), self._room.clock.now()
        form = Form(fields, words, self._room.site.zone_info)
        is_drill = form.one_of("drill", ("yes", "no")) == "yes"
        minutes = form.one_of("minutes", _LASTS)
        texts: Names = self._leave
        if form.one_of("what", ("leave", "own")) == "own":
            texts = self._writing.texts(form, words)
        notice = PostNotice(
            by=person.name[:64],
            severity="emergency",
            drill=is_drill,
            until=now + timedelta(minutes=int(minutes)) if minutes else None,
            texts=texts,
        )
        self._writing.keep(person, Draft(self._writing.name("alarm"), notice))
        return Done(what="a draft, not shown yet", back="/emergency/preview")

    async def _propose(self, fields: Mapping[str, str], person: Person) -> Done:
        words, draft, mirror = (
            self._room.words(person),
            self._writing.kept(person),
            self._room.mirror,
        )
        if draft is None or fields.get("name") != draft.name:
            raise BadUsage(words("news.none"))
        name, notice = draft.name, draft.notice
        if notice.until is not None and notice.until <= self._room.clock.now():
            raise BadUsage(words("news.until.wrong"))
        await self._room.observe(name, notice)
        self._writing.forget(person)
        await answered(mirror, lambda: name in {*mirror.proposals(), *mirror.notices()})
        said = words("alarm.kept")
        if name in mirror.notices():
            said = words("alarm.shown", count=len(self._room.site.displays))
        elif name in mirror.proposals():
            said = words("alarm.proposed")
        what = "drill" if notice.drill else "emergency"
        return Done(
            what=f"{name}: {what} proposed, {_first(notice.texts)}", back="/emergency", said=said
        )

    async def _confirm(self, fields: Mapping[str, str], person: Person) -> Done:
        words, mirror = self._room.words(person), self._room.mirror
        name = fields.get("name", "")
        found = mirror.proposals().get(name)
        if found is None:
            raise BadUsage(words("alarm.gone"))
        if same_person(found.by) == same_person(person.name):
            raise BadUsage(words("alarm.own", who=found.by))
        if fields.get("seal") != _seal(found):
            raise BadUsage(words("alarm.changed"))
        await self._room.observe(name, confirmed(found, person.name[:64]))
        await answered(mirror, lambda: name in mirror.notices())
        said = words("alarm.kept")
        if name in mirror.notices():
            said = words("alarm.shown", count=len(self._room.site.displays))
        return Done(
            what=f"{name}: confirmed, proposed by {found.by}, {_first(found.texts)}",
            back="/emergency",
            said=said,
        )

    async def _cancel(self, fields: Mapping[str, str], person: Person) -> Done:
        words, mirror = self._room.words(person), self._room.mirror
        grave = [n for n, notice in mirror.notices().items() if notice.severity == "emergency"]
        form = Form(fields, words, self._room.site.zone_info)
        name = form.one_of("name", {*grave, *mirror.proposals()})
        await taken_down(self._room, name, person)
        return Done(what=f"{name}: cancelled", back="/emergency", said=words("alarm.down"))


def _seal(found: ProposalResult) -> str:
    """What a proposal says, so that nobody confirms what they have not read."""
    said = (found.by, found.drill, found.since, found.until, sorted(found.texts.items()))
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:32]


def _first(texts: Names) -> str:
    return repr(next(iter(texts.values()), "")[:120])
