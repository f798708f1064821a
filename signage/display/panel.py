"""The panel: off outside the office's hours, and who it is for whoever stands before it."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta

from aiohttp import web

from models.calendar import Calendar
from models.site import Awake
from signage.display.station import Part, Station
from signage.feed.responses import Handler
from signage.serving import Step

logger = logging.getLogger("machiai.display")

IDENTIFY_S = 30.0
LATE = timedelta(minutes=15)
"""So long after the last call the panel stays on, whatever the hours say."""

_LOOK_S = 0.5
_CEC_S = 20.0
_CEC = {
    "cec-ctl": (
        ("--playback", "--to", "0", "--standby"),
        ("--playback", "--to", "0", "--image-view-on"),
    ),
    "cec-client": (("-s", "-d", "1"), ("-s", "-d", "1")),
}
"""The words that switch a panel off and on, by program."""
_TYPED = {"cec-client": (b"standby 0\n", b"on 0\n")}
DAY = timedelta(days=1)


def is_on(awake: Awake | None, calendar: Calendar, now: datetime) -> bool:
    """Whether the panel is on at a time, by the calendar alone."""
    if awake is None:
        return True
    before = timedelta(minutes=awake.before_minutes)
    after = timedelta(minutes=awake.after_minutes)
    today = calendar.day_of(now)
    return any(
        start - before <= now < end + after
        for day in (today - DAY, today, today + DAY)
        for start, end in calendar.office(day)
    )


class Panel(Part):
    """Whether the panel is on. It is told by CEC where that is installed; its page goes black."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._calendar = Calendar(station.site)
        self._awake = station.display.awake
        self._program = next(filter(None, map(shutil.which, _CEC)), None)
        self._identify_until_s = 0.0
        self._identified = 0
        station.commands["identify"] = self._identify
        station.asleep = not self._is_on()

    def routes(self) -> Mapping[str, Handler]:
        """What the page shows of it."""
        return {"/panel": self._panel}

    def steps(self) -> Mapping[str, Step]:
        """Watching the clock, and telling the panel itself; that one may take its time."""
        return {"panel": self._watch, "cec": self._switch}

    def _is_on(self) -> bool:
        """By the calendar, or because somebody needs it; a clock that was not set knows nothing."""
        station = self._station
        if station.awake or not station.clock.is_set():
            return True
        now = station.clock.now()
        calls = station.mirror.calls()
        if calls is not None and any(now - call.at < LATE for call in calls.calls):
            return True
        return is_on(self._awake, self._calendar, now)

    def _identify(self, payload: bytes) -> None:
        _ = payload
        self._identify_until_s = self._true_s() + IDENTIFY_S
        self._identified += 1
        self._station.awake.add("identify")
        self._station.mirror.ring()

    async def _watch(self) -> None:
        while True:
            if "identify" in self._station.awake and self._true_s() >= self._identify_until_s:
                self._station.awake.discard("identify")
                self._station.mirror.ring()
            on = self._is_on()
            if self._station.asleep is on:
                self._station.asleep = not on
                self._station.mirror.ring()
            await asyncio.sleep(_LOOK_S)

    async def _switch(self) -> None:
        told: bool | None = None
        while self._awake is not None and self._program is not None:
            on = not self._station.asleep
            if on is not told:
                told = on
                await self._tell(self._program, on=on)
            await asyncio.sleep(_LOOK_S)

    async def _panel(self, request: web.Request) -> web.Response:
        _ = request
        display, site = self._station.display, self._station.site
        names = display.name or site.site.name
        language = next((code for code in display.languages if code in names), next(iter(names)))
        left_s = self._identify_until_s - self._true_s()
        said = {
            "asleep": self._station.asleep,
            "identify_s": round(max(0.0, left_s), 1),
            "identified": self._identified,
            "id": display.id,
            "name": names[language],
            "language": language,
        }
        return web.json_response(said, headers={"Cache-Control": "no-store"})

    async def _tell(self, program: str, *, on: bool) -> None:
        """Have the panel itself go on or off; where it does not, the black page is there."""
        name = program.rpartition("/")[2]
        typed = _TYPED[name][on] if name in _TYPED else None
        process = await asyncio.create_subprocess_exec(
            program,
            *_CEC[name][on],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        why: str | None = f"got no end within {_CEC_S:g} s"
        try:
            async with asyncio.timeout(_CEC_S):
                await process.communicate(typed)
            why = f"it ended with {process.returncode}" if process.returncode else None
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        wanted = "on" if on else "off"
        self._station.alert("panel", why and f"want {name} to switch the panel {wanted}, {why}")

    def _true_s(self) -> float:
        clock = self._station.clock
        return clock.monotonic() / clock.speed
