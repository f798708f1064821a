"""A camera that is not there: frames of a synthetic office, drawn when they are asked for."""

from collections.abc import Callable
from datetime import date, datetime

from edge.capture import Shot
from models.calendar import Calendar
from models.errors import SensorFailed
from models.sensing.plan import Plan
from models.site import Site
from models.world.day import Day
from models.world.scene import Filmed

SCHEME = "world:"

_offered: dict[str, Callable[[], "World"]] = {}


class World:
    """A `Source` whose frames show the office as it is at that time. Not to be waited for."""

    waits = False

    def __init__(
        self,
        film: Callable[[date], Filmed],
        day_of: Callable[[datetime], date],
        now: Callable[[], datetime],
    ) -> None:
        self._film, self._day_of, self._now = film, day_of, now
        self._day: date | None = None
        self._number = -1
        self._began = now()

    def read(self, is_due: Callable[[], bool]) -> Shot:
        """The frame of this moment; the caller comes when it is due."""
        _ = is_due
        now = self._now()
        day = self._day_of(now)
        if day != self._day:
            self._day, self._filmed = day, self._film(day)
        self._number += 1
        at_s = (now - self._began).total_seconds()
        return Shot(self._number, at_s, self._filmed.seen(now).frame)

    def close(self) -> None:
        """Nothing is held."""


def offer(  # noqa: PLR0917  all of them make one camera
    name: str,
    site: Site,
    day: Callable[[date], Day],
    plan: Plan,
    seed: int,
    now: Callable[[], datetime],
) -> str:
    """Put up a camera in this process; gives the `source` under which it opens.

    Args:
        name: of this camera; one that has it already is taken down.
        site: where.
        day: makes a day of the site.
        plan: what the camera will look at; the scene is furnished for it.
        seed: of places and looks.
        now: aware; the time in the office.
    """
    calendar = Calendar(site)
    _offered[name] = lambda: World(
        lambda today: Filmed(site, day(today), plan, seed), calendar.day_of, now
    )
    return SCHEME + name


def opened(source: str) -> World:
    """The camera that was offered as this.

    Raises:
        SensorFailed: there is none.
    """
    made = _offered.get(source.removeprefix(SCHEME))
    if made is None:
        raise SensorFailed(f"want a drawn camera of machiai demo, got {source} - at `$.source`")
    return made()
