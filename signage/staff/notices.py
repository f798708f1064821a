"""`/staff/notices`: news and warnings, from when until when, as residents will read them."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from models.contract.observations import PostNotice
from models.contract.results import NoticeResult
from models.errors import BadUsage
from signage.staff.entries import answered
from signage.staff.forms import Form
from signage.staff.room import Act, Done, Part, Person, Role, Room, View
from signage.staff.words import StaffWords
from signage.staff.writing import Draft, Writing

_GRAVE = {"emergency": 0, "warning": 1, "info": 2}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that the hub has, as a line of a list."""

    id: str
    severity: str
    times: str
    texts: tuple[tuple[str, str], ...]


def standing(room: Room, words: StaffWords) -> Iterator[Standing]:
    """All that have not ended, the gravest first."""
    now = room.clock.now()
    found = [
        (_GRAVE[notice.severity], name, notice)
        for name, notice in room.mirror.notices().items()
        if notice.until is None or notice.until > now
    ]
    for _, name, notice in sorted(found, key=lambda each: each[:2]):
        yield Standing(
            id=name,
            severity=notice.severity,
            times=_times(notice, words, now),
            texts=tuple(notice.texts.items()),
        )


async def taken_down(room: Room, name: str, person: Person) -> None:
    """Tell the hub, and wait for it."""
    await room.observe(name, PostNotice(by=person.name[:64], cancel=True))
    await answered(
        room.mirror, lambda: name not in {*room.mirror.notices(), *room.mirror.proposals()}
    )


class Notices(Part):
    """Written, looked at, and only then put up."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._writing = Writing(room)

    def menu(self) -> Mapping[str, str]:
        """In the navigation."""
        return {"/notices": "menu.notices"}

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """The list with a form, and the preview."""
        return {
            "/notices": ("facility", self._page),
            "/notices/preview": ("facility", self._preview),
        }

    def acts(self) -> Mapping[str, tuple[Role, Act]]:
        """What is done there."""
        return {
            "/notices/draft": ("facility", self._draft),
            "/notices/post": ("facility", self._post),
            "/notices/cancel": ("facility", self._cancel),
        }

    async def _page(self, request: web.Request, person: Person) -> web.Response:
        _ = request
        words, zone = self._room.words(person), self._room.site.zone_info
        draft = self._writing.kept(person)
        notice = draft.notice if draft else PostNotice(by="")
        evening = self._room.clock.now().astimezone(zone).replace(hour=17, minute=0)
        if evening <= self._room.clock.now():
            evening += timedelta(days=1)
        until = notice.until.astimezone(zone) if notice.until else evening
        return self._room.page(
            person,
            "staff_notices.html",
            standing=list(standing(self._room, words)),
            tongues=self._writing.languages,
            notice=notice,
            since=_field(notice.since.astimezone(zone)) if notice.since else "",
            until=_field(until),
            hub_gone=self._room.mirror.hub_gone,
        )

    async def _preview(self, request: web.Request, person: Person) -> web.Response:
        _ = request
        draft = self._writing.kept(person)
        if draft is None:
            raise BadUsage(self._room.words(person)("news.none"))
        words, now = self._room.words(person), self._room.clock.now()
        notice = draft.notice
        return self._room.page(
            person,
            "staff_preview.html",
            draft=draft,
            where="notices",
            title=words("news.preview"),
            lines=[_times(notice, words, now), words(f"news.where.{notice.severity}")],
            button=words("news.post"),
            previews=list(self._writing.previews(notice)),
        )

    async def _draft(self, fields: Mapping[str, str], person: Person) -> Done:
        words = self._room.words(person)
        form = Form(fields, words, self._room.site.zone_info)
        since = form.moment("since")
        severity = form.one_of("severity", ("info", "warning"))
        notice = PostNotice(
            by=person.name[:64],
            severity="warning" if severity == "warning" else "info",
            since=since,
            until=self._writing.ends(form.moment("until"), since, words),
            texts=self._writing.texts(form, words),
        )
        self._writing.keep(person, Draft(self._writing.name("note"), notice))
        return Done(what="a draft, not shown yet", back="/notices/preview")

    async def _post(self, fields: Mapping[str, str], person: Person) -> Done:
        words, draft, mirror = (
            self._room.words(person),
            self._writing.kept(person),
            self._room.mirror,
        )
        if draft is None or fields.get("name") != draft.name:
            raise BadUsage(words("news.none"))
        notice = draft.notice
        self._writing.ends(notice.until, notice.since, words)
        await self._room.observe(draft.name, notice)
        self._writing.forget(person)
        is_up = await answered(mirror, lambda: draft.name in mirror.notices())
        said = words("news.done" if is_up else "news.kept")
        return Done(
            what=f"{draft.name}: {notice.severity}, {next(iter(notice.texts.values()))!r}",
            back="/notices",
            said=said,
        )

    async def _cancel(self, fields: Mapping[str, str], person: Person) -> Done:
        words = self._room.words(person)
        form = Form(fields, words, self._room.site.zone_info)
        name = form.one_of("name", self._room.mirror.notices())
        await taken_down(self._room, name, person)
        return Done(what=f"{name}: taken down", back="/notices", said=words("news.down"))


def _field(at: datetime) -> str:
    """As the browser's field has it."""
    return f"{at:%Y-%m-%dT%H:%M}"


def _times(notice: NoticeResult | PostNotice, words: StaffWords, now: datetime) -> str:
    since = words("news.now") if notice.since is None else words.opening(notice.since, now)
    until = words("news.open") if notice.until is None else words.opening(notice.until, now)
    return words("news.times", since=since, until=until)
