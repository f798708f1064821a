"""How many people come when, though nobody hands them a ticket."""

import math

import msgspec
import numpy as np

from models.forecast.usual import SLOT_S, SLOTS
from models.wait.durations import KEPT_A_DAY, Floats

_FIRST_DAYS = 0.5  # of a day that the first guess counts for


class Arrivals(msgspec.Struct, dict=True):
    """Arrivals by local half hours. `sums` are of the days before, `days` how many those were.

    `today` are those of today by half hours, `seen_s` how many seconds of each were watched; `sure`
    is the half hour at whose end it was last known how many waited. `called` are all that were
    called today, where calls are seen.
    """

    sums: list[float] = msgspec.field(default_factory=lambda: [0.0] * SLOTS)
    days: list[float] = msgspec.field(default_factory=lambda: [0.0] * SLOTS)
    today: list[float] = msgspec.field(default_factory=lambda: [0.0] * SLOTS)
    seen_s: list[float] = msgspec.field(default_factory=lambda: [0.0] * SLOTS)
    sure: int = 0
    called: int = 0

    def begin_day(self) -> None:
        """Midnight has passed: what was seen today is what is known from now on."""
        if self.called:  # they have all been called: no more came, whatever was believed
            share = self.called / max(math.fsum(self.today), 1.0)
            self.today = [share * people for people in self.today]
        for slot in range(SLOTS):
            self.sums[slot] = KEPT_A_DAY * self.sums[slot] + max(self.today[slot], 0.0)
            self.days[slot] = KEPT_A_DAY * self.days[slot] + self.seen_s[slot] / SLOT_S
        self.__dict__.clear()
        self.today, self.seen_s = [0.0] * SLOTS, [0.0] * SLOTS
        self.sure = self.called = 0

    def note(self, people: float, since_midnight_s: float, watched_s: float) -> None:
        """So many came, in so many seconds until this one."""
        slot = slot_of(since_midnight_s)
        self.today[slot] += people
        self.seen_s[slot] += watched_s

    def correct(self, people: float, since_midnight_s: float, *, is_sure: bool) -> None:
        """So many more came than was believed, or fewer, since it was known how many wait.

        Nobody saw when: they are spread over all that came since then.
        """
        slot = slot_of(since_midnight_s)
        slots = range(min(self.sure, slot), slot + 1)
        total = math.fsum(max(self.today[s], 0.0) for s in slots)
        if total > abs(people):
            for s in slots:
                self.today[s] += people * max(self.today[s], 0.0) / total
        else:
            self.today[slot] += people
        if is_sure:
            self.sure = slot

    def known(self) -> float:
        """How many days were watched, the old ones as far as they still count."""
        return max(self.days)

    def usual(self, first_per_s: float) -> Floats:
        """(50,) float64: people per second by half hours, on a usual day.

        Args:
            first_per_s: what is guessed where nothing is known.
        """
        kept: tuple[float, Floats] | None = self.__dict__.get("_usual")
        if kept is not None and kept[0] == first_per_s:
            return kept[1]
        sums = np.array(self.sums) + _FIRST_DAYS * SLOT_S * first_per_s
        days = np.array(self.days) + _FIRST_DAYS
        smooth = (0.25, 0.5, 0.25)  # with the neighbours, for a half hour is few people
        sums = np.convolve(np.concatenate((sums[:1], sums, sums[-1:])), smooth, "valid")
        days = np.convolve(np.concatenate((days[:1], days, days[-1:])), smooth, "valid")
        usual: Floats = sums / days / SLOT_S
        self.__dict__["_usual"] = (first_per_s, usual)
        return usual


def ages_s(rates: Floats, since_midnight_s: float, opened_s: float, people: int) -> Floats:
    """(people,) float64: how long ago each came, the last first; nobody before it was open."""
    slot = slot_of(since_midnight_s)
    back = np.arange(slot, max(slot_of(opened_s) - 1, -1), -1)
    starts = np.maximum(back * SLOT_S, opened_s)
    ends = np.minimum((back + 1) * SLOT_S, since_midnight_s)
    spans = np.maximum(ends - starts, 0.0)
    came = np.concatenate(([0.0], np.cumsum(rates[back] * spans)))
    ages = np.concatenate(([0.0], np.cumsum(spans)))
    waited: Floats = np.interp(np.arange(people) + 0.5, came, ages)
    return waited


def slot_of(since_midnight_s: float) -> int:
    """The half hour of a time of the day."""
    return min(max(int(since_midnight_s / SLOT_S), 0), SLOTS - 1)
