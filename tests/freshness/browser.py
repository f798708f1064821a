"""A page as a browser holds it: `static/live.js` in Python, with clocks to disturb."""

from datetime import UTC, datetime, timedelta

from models.freshness import Life, State
from tests.freshness.surfaces import Shown, of_html

_START = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT_S = 300.0
_AHEAD_S = 2.0


class Browser:
    """One page. `mono_s` stands still while it sleeps; `wall_s` may be wrong and may jump."""

    def __init__(self, wall_s: float) -> None:
        self.mono_s = 0.0
        self.wall_s = wall_s
        self.things: list[Shown] = []
        self._offsets: list[tuple[float, float]] = []
        self._mark = (0.0, wall_s)
        self.wants = False

    def pass_time(self, seconds: float, *, asleep: bool = False) -> None:
        """Time passes."""
        self.wall_s += seconds
        if not asleep:
            self.mono_s += seconds

    def sync(self, now: datetime) -> None:
        """The server said what time it is; the word may be old."""
        was_unsure = self._slept_s() < -_AHEAD_S
        before_s = self._now_s() if self._offsets else 0.0
        kept = [one for one in self._offsets if self.mono_s - one[0] < _KEPT_S]
        self._offsets = [*kept, (self.mono_s, now.timestamp() - self.mono_s)]
        self._mark = (self.mono_s, self.wall_s)
        self.wants |= was_unsure or before_s - self._now_s() > _AHEAD_S

    def swap(self, html: str) -> None:
        """A part has come: what it shows from now on."""
        self.things = of_html(html)

    def age(self) -> list[Shown]:
        """Take away what has run out, and say what is left."""
        now = datetime.max.replace(tzinfo=UTC) if self._slept_s() < -_AHEAD_S else self.now()
        for thing in self.things:
            life = Life(
                _state(thing.state), *map(_moment, (thing.observed, thing.until, thing.opens))
            )
            if life.phase(now) == "stale":
                thing.values = []
        return self.things

    def now(self) -> datetime:
        """What time the page believes it is."""
        return _START + timedelta(milliseconds=round(self._now_s() * 1000))

    def _now_s(self) -> float:
        slept_s = max(0.0, self._slept_s())
        return max(offset for _, offset in self._offsets) + self.mono_s + slept_s

    def _slept_s(self) -> float:
        return self.wall_s - self._mark[1] - (self.mono_s - self._mark[0])


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else _START + timedelta(milliseconds=ms)


def _state(name: str) -> State:
    states: tuple[State, ...] = ("open", "paused", "closed", "no_data")
    return states[[str(state) for state in states].index(name)]
