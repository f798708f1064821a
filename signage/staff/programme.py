"""`/staff/programme`: what a display's playlist shows on any day, at any time."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from aiohttp import web

from models.calendar import Calendar
from models.errors import BadUsage
from models.screens.playlist import FILE, Item, Media, Text, spoken
from models.screens.programme import Programme
from models.site import Display
from signage.display.playlist import Folder
from signage.staff.forms import Form
from signage.staff.room import Part, Person, Role, Room, View
from signage.staff.words import StaffWords

CONTENT = "content"
"""The folder beside the site file: of all displays, or in it one of a display's name."""

_AHEAD = timedelta(minutes=10)
_LONGEST = 200  # signs of a text, to know it by


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An item as a line of a list; without a kind it is the board."""

    times: str
    kind: str = ""
    name: str = ""
    detail: str = ""


class ProgrammePart(Part):
    """Asked for a display and a moment."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._calendar = Calendar(room.site)
        self._displays = {display.id: display for display in room.site.displays}
        self._folders: dict[Path, Folder] = {}
        self._looking = asyncio.Lock()

    def menu(self) -> Mapping[str, str]:
        """In the navigation, where there are displays."""
        return {"/programme": "menu.programme"} if self._displays else {}

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """The page."""
        return {"/programme": ("viewer", self._page)}

    async def _page(self, request: web.Request, person: Person) -> web.Response:
        words, zone = self._room.words(person), self._room.site.zone_info
        if not self._displays:
            raise BadUsage(words("form.unknown"))
        asked = {"display": next(iter(self._displays)), **request.query}
        form = Form(asked, words, zone)
        display = self._displays[form.one_of("display", self._displays)]
        moment = form.moment("at") or self._room.clock.now().astimezone(zone)
        async with self._looking:
            folder, wrong = await asyncio.to_thread(self._looked, display)
        playlist = folder.playlist if folder else None
        programme = None
        if playlist is not None:
            programme = Programme(playlist, self._calendar, zone, display.languages)
        return self._room.page(
            person,
            "staff_programme.html",
            displays=[(d.id, words.name(d.name, d.id)) for d in self._displays.values()],
            display=display.id,
            at=f"{moment:%Y-%m-%dT%H:%M}",
            moment=words.moment(moment),
            day=words.date(moment.date()),
            is_holiday=self._calendar.is_holiday(moment.date()),
            found=playlist is not None,
            file=FILE,
            wrong=wrong,
            showings=list(self._showings(programme, display, moment, words)) if programme else [],
            stretches=list(self._stretches(programme, display, moment, words)) if programme else [],
        )

    def _looked(self, display: Display) -> tuple[Folder | None, list[str]]:
        """The folder of a display's playlist, and all that is wrong in it. Reads files."""
        if self._room.site.folder is None:
            return None, []
        root = Path(self._room.site.folder) / CONTENT
        path = root / display.id if (root / display.id / FILE).is_file() else root
        folder = self._folders.setdefault(path, Folder(path))
        for _ in range(2):  # what is still being written is passed over by the first look
            folder.look()
        return folder, [line.replace(f"{path}/", "") for line in folder.wrong()]

    def _showings(
        self, programme: Programme, display: Display, moment: datetime, words: StaffWords
    ) -> Iterator[Line]:
        """What comes in the next minutes, turn by turn."""
        zone = self._room.site.zone_info
        for showing in programme.showings(moment, moment + _AHEAD):
            start, end = (at.astimezone(zone) for at in (showing.start, showing.end))
            times = f"{start:%H:%M:%S}–{end:%H:%M:%S}"
            yield _line(showing.item, display, times, words) if showing.item else Line(times=times)

    def _stretches(
        self, programme: Programme, display: Display, moment: datetime, words: StaffWords
    ) -> Iterator[tuple[str, bool, list[Line]]]:
        """The day in pieces: from when to when, whether it is asked for, and what is on."""
        zone = self._room.site.zone_info
        for start, end, items in programme.stretches(moment.date()):
            is_now = start <= moment < end
            last = (end - timedelta(minutes=1)).astimezone(zone)
            until = (
                f"{end.astimezone(zone):%H:%M}"
                if last.date() == end.astimezone(zone).date()
                else "24:00"
            )
            times = f"{start.astimezone(zone):%H:%M}–{until}"
            yield times, is_now, [_line(item, display, "", words) for item in items]


def _line(item: Item, display: Display, times: str, words: StaffWords) -> Line:
    kind = str(item.__struct_config__.tag)
    detail = ""
    if isinstance(item, Text):
        said = {code: item.text[code] for code in spoken(item.text, display.languages)}
        detail = words.pick(said)[1][:_LONGEST]
    elif isinstance(item, Media):
        detail = item.file or item.url or ""
    name = words.name(item.title, item.id or "")
    return Line(times=times, kind=words(f"programme.{kind}"), name=name, detail=detail)
