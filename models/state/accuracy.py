"""Waits as they were told, held against those that came: what the office says of itself."""

import msgspec

from models.contract.results import Spread

DAYS = 28
_DAY_S = 86_400.0
_LEVELS = 4
_PROMISES = 300  # that have not come true are kept; what is more is not scored


_JUMP = 30  # calls between two looks at a display; more is a new series of numbers

Called = tuple[int, float]
"""The number that a display shows as called last, and when that was read."""


class Score(msgspec.Struct, array_like=True):
    """Sums over tickets: what was told (p50), what came, by how much that differed, in seconds.

    `inside` counts those that came between p10 and p90.
    """

    count: int = 0
    told_s: float = 0.0
    came_s: float = 0.0
    error_s: float = 0.0
    inside: int = 0

    def add(self, told: Spread, came_s: float) -> None:
        """A told wait has come true."""
        self.count += 1
        self.told_s += told.p50_s
        self.came_s += came_s
        self.error_s += abs(told.p50_s - came_s)
        self.inside += told.p10_s <= came_s <= told.p90_s


class ScoredDay(msgspec.Struct):
    """One day from its midnight on, by how busy it was told to be."""

    day_s: float
    levels: list[Score]


class Promise(msgspec.Struct, frozen=True, array_like=True):
    """What was told of a wait when it began. `level` is how busy that is."""

    issued_s: float
    told: Spread
    level: int


class Came(msgspec.Struct, frozen=True):
    """A told wait that came true: what was told, what came, and when (seconds since 1970)."""

    told: Spread
    came_s: float
    at_s: float


class Accuracy(msgspec.Struct):
    """One service. `scored_s` is when the last told wait came true, seconds since 1970.

    `promises` are by ticket, or by the number that a display must reach.
    """

    promises: dict[str, Promise] = {}
    days: list[ScoredDay] = []
    scored_s: float | None = None

    def begin_day(self, day_s: float) -> None:
        """Midnight has passed: who still waits is never called."""
        self.promises = {}
        first_s = day_s - (DAYS - 0.5) * _DAY_S  # half a day, as a day may have 23 hours
        self.days = [day for day in self.days if first_s < day.day_s <= day_s]

    def tell(self, number: str, promise: Promise) -> None:
        """A ticket is issued, and its holder can read this."""
        if len(self.promises) < _PROMISES:
            self.promises[number] = promise

    def drop(self, number: str) -> None:
        """A ticket is given back."""
        self.promises.pop(number, None)

    def call(self, number: str, at_s: float, day_s: float) -> Came | None:
        """A ticket is called, on the day of this midnight. Answers with what that made true."""
        promise = self.promises.pop(number, None)
        if promise is None or at_s < promise.issued_s:
            return None  # or a clock was set back
        if not self.days or self.days[-1].day_s != day_s:
            self.days.append(ScoredDay(day_s, [Score() for _ in range(_LEVELS)]))
        came = Came(promise.told, at_s - promise.issued_s, at_s)
        self.days[-1].levels[promise.level - 1].add(came.told, came.came_s)
        self.scored_s = max(at_s, self.scored_s or 0.0)
        return came

    def reach(self, before: Called | None, now: Called | None, day_s: float) -> list[Came]:
        """A display went from one number to another; calls between two looks are spread evenly.

        Answers with what came true of it.
        """
        if before is None or now is None or not 0 <= now[0] - before[0] <= _JUMP:
            self.promises = {}
            return []
        called, moved = now[0], now[0] - before[0]
        found = []
        for number in [number for number in self.promises if int(number) <= called]:
            share = 1.0 - (called - int(number)) / moved if moved else 1.0
            at_s = before[1] + max(share, 0.0) * (now[1] - before[1])
            found.append(self.call(number, at_s, day_s))
        return [came for came in found if came is not None]

    def by_level(self) -> list[Score]:
        """All days together, by the level that was told."""
        return [together([day.levels[n] for day in self.days]) for n in range(_LEVELS)]


def together(scores: list[Score]) -> Score:
    """All of them as one."""
    return Score(
        count=sum(score.count for score in scores),
        told_s=sum(score.told_s for score in scores),
        came_s=sum(score.came_s for score in scores),
        error_s=sum(score.error_s for score in scores),
        inside=sum(score.inside for score in scores),
    )
