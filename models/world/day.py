"""One day of a synthetic office: what its sensors said, and what was true."""

from bisect import bisect_right
from datetime import datetime

import msgspec

from models.contract.observations import Reading


class Event(msgspec.Struct, frozen=True):
    """What one sensor output said, and when (aware UTC, milliseconds)."""

    at: datetime
    kind: str
    name: str
    reading: Reading


class TicketTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a ticket. None: it did not happen before midnight."""

    number: str
    service: str
    issued_at: datetime
    called_at: datetime | None = None
    counter: str | None = None
    served_at: datetime | None = None
    left_at: datetime | None = None  # unseen, before being called
    absent: bool = False

    @property
    def wait_s(self) -> float | None:
        """Seconds from issue to call; None if it was never called."""
        if self.called_at is None:
            return None
        return (self.called_at - self.issued_at).total_seconds()


class Steps(msgspec.Struct, frozen=True):
    """A number that holds from each of its times to the next; the first is midnight."""

    at: tuple[datetime, ...]
    number: tuple[int, ...]

    def on(self, moment: datetime) -> int:
        """The number at a moment of this day."""
        return self.number[max(0, bisect_right(self.at, moment) - 1)]


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day with its truth. All that is here follows from site, day, seed and params."""

    events: tuple[Event, ...] = ()  # in time order; at one time in the order of their causes
    tickets: tuple[TicketTruth, ...] = ()  # by issue
    people: dict[str, Steps] = {}  # waiting in a zone, with their companions
    cars: dict[str, Steps] = {}  # parked in a lot
