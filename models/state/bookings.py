"""Reservations of one service: how many people come when, how many of them came, what is usual."""

from datetime import date, datetime, timedelta, tzinfo

import msgspec

from models.contract.observations import Bookings
from models.forecast.usual import SLOT_S, SLOTS
from models.wait.durations import KEPT_A_DAY

_MOST_DAYS = 32  # from today on
_MOST_SLOTS, _MOST_BOOKED = 300, 3000  # of a day; more is no public office
_EARLY_S, _LATE_S = 2400.0, 1200.0  # from a reservation, that its holder takes a ticket
_USUAL_S = 420.0  # ... so long before
_FIRST_CAME, _FIRST_BOOKED = 18.0, 20.0  # first guess: nine in ten come
_FEW_DAYS = 3.0  # in which nobody knows yet what is usual


class Slot(msgspec.Struct):
    """Those who begin at `at_s`, seconds since 1970; `came` of them have taken a ticket."""

    minute: int
    at_s: float
    booked: int
    places: int | None = None
    came: int = 0


class Day(msgspec.Struct):
    """A local day, as its book said at `told_s`. Slots are in order."""

    told_s: float
    slots: list[Slot]


class Book(msgspec.Struct):
    """The book of one service by ISO days, and what was learnt from those that are over.

    `sums` are reservations by local half hours, `known` how many days those are; of `booked` people
    `came` took a ticket. All of it fades.
    """

    days: dict[str, Day] = {}
    came: float = _FIRST_CAME
    booked: float = _FIRST_BOOKED
    sums: list[float] = msgspec.field(default_factory=lambda: [0.0] * SLOTS)
    known: float = 0.0

    def begin_day(self, today: date) -> None:
        """Midnight has passed: learn from what is over, and forget it."""
        for key in sorted(self.days):
            if key < today.isoformat():
                self._learn(self.days.pop(key))

    def take(self, said: Bookings, at_s: float, today: date, zone: tzinfo) -> bool:
        """All of one day is said anew; False if it cannot be."""
        total = sum(slot.booked for slot in said.slots)
        is_near = 0 <= (said.day - today).days < _MOST_DAYS
        if not is_near or len(said.slots) > _MOST_SLOTS or total > _MOST_BOOKED:
            return False
        key = said.day.isoformat()
        before = self.days.get(key)
        if before is not None and at_s < before.told_s:
            return True  # older than what is known
        came = {slot.minute: slot.came for slot in before.slots} if before else {}
        slots: dict[int, Slot] = {}
        for one in sorted(said.slots, key=lambda slot: slot.minute):
            starts = datetime(said.day.year, said.day.month, said.day.day, tzinfo=zone)
            starts += timedelta(minutes=one.minute)
            slots[one.minute] = Slot(
                one.minute, starts.timestamp(), one.booked, one.places, came.get(one.minute, 0)
            )
        self.days[key] = Day(at_s, list(slots.values()))
        return True

    def take_ticket(self, at_s: float) -> float:
        """Somebody with a reservation took a ticket: for when, of those who are not yet here.

        The nearest to when they usually come: the place of who stays away is left empty.
        """
        near = [
            slot
            for day in self.days.values()
            for slot in day.slots
            if slot.came < slot.booked and -_LATE_S <= slot.at_s - at_s <= _EARLY_S
        ]
        if not near:
            return at_s
        slot = min(near, key=lambda slot: abs(slot.at_s - at_s - _USUAL_S))
        slot.came += 1
        return slot.at_s

    def share(self) -> float:
        """The share of those with a reservation that comes."""
        return min(self.came / self.booked, 1.0)

    def told(self, day: date, now_s: float, holds_s: float) -> Day | None:
        """What is known of a day, while that is younger than `holds_s`."""
        told = self.days.get(day.isoformat())
        return None if told is None or told.told_s + holds_s <= now_s else told

    def ahead(self, day: date, now_s: float, holds_s: float) -> list[tuple[float, int]]:
        """The times still to come on a day, and how many are not yet here, in order."""
        told = self.told(day, now_s, holds_s)
        return [
            (slot.at_s, slot.booked - slot.came)
            for slot in (told.slots if told else ())
            if slot.at_s > now_s and slot.booked > slot.came
        ]

    def more(self, day: date, since_minute: float, until_minute: float) -> float:
        """People booked between two minutes of a day beyond the usual ones; 0 while unknown."""
        told = self.days.get(day.isoformat())
        if told is None or self.known < _FEW_DAYS or until_minute <= since_minute:
            return 0.0
        booked = sum(s.booked for s in told.slots if since_minute < s.minute <= until_minute)
        length = SLOT_S / 60.0
        usual = 0.0
        for half, people in enumerate(self.sums):
            starts, ends = max(half * length, since_minute), min((half + 1) * length, until_minute)
            usual += people / self.known * max(ends - starts, 0.0) / length
        return booked - usual

    def _learn(self, day: Day) -> None:
        booked, came = (sum(s.booked for s in day.slots), sum(s.came for s in day.slots))
        if came:  # else no machine says that anybody came
            self.came = KEPT_A_DAY * self.came + came
            self.booked = KEPT_A_DAY * self.booked + booked
        if not booked:
            return  # a day on which it is closed
        self.known = KEPT_A_DAY * self.known + 1.0
        self.sums = [KEPT_A_DAY * people for people in self.sums]
        for slot in day.slots:
            self.sums[int(slot.minute * 60 // SLOT_S)] += slot.booked
