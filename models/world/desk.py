"""What can be seen of the queues: on displays above the counters, and by the clerks' buttons."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from models.contract.ids import Level
from models.contract.observations import Counter, Gesture, Press, Queue, Ticket
from models.site import Button, Meaning, Service
from models.world.today import MINUTE_MS, Ints, Row, Tally, Today

_LEVELS_EVERY_MS = 10 * MINUTE_MS
_LEVELS_JITTER_MS = 90_000
_LEVEL_2_FROM, _LEVEL_3_FROM = 1.0, 3.0  # people waiting for each open counter


class Desk:
    """The tickets and counters of a day, as those who work there know them."""

    def __init__(self, today: Today, told: Sequence[Row]) -> None:
        """Take what the hall told."""
        self._today = today
        self._told = told

    def display(self, service: Service, minutes: Ints) -> Iterator[Row]:
        """What a queue display shows, each minute that it is asked."""
        calls = [(ms, t.number) for ms, t in self._calls({service.id})]
        last = np.searchsorted([ms for ms, _ in calls], minutes, side="right").tolist()
        waiting = self._waiting({service.id}).on(minutes).tolist()
        opened = self._opened(service.counters).on(minutes).tolist()
        for ms, n, people, counters in zip(minutes.tolist(), last, waiting, opened, strict=True):
            number = calls[n - 1][1] if n else None
            yield Row(ms, service.id, Queue(waiting=people, called=number, open=counters))

    def presses(self, button: Button) -> Iterator[Row]:
        """The button of a clerk: one press for each call, or how busy it is every ten minutes.

        Nobody presses `toggle`: all counters keep their timetable.
        """
        gestures: dict[Gesture, Meaning | None] = {
            "short": button.short,
            "double": button.double,
            "long": button.long,
        }
        levels: dict[Gesture, Level] = {}
        services: set[str] = set()
        for gesture, meaning in gestures.items():
            if meaning is None:
                continue
            if meaning.next is not None:
                for ms, ticket in self._calls():
                    if ticket.counter == meaning.next:
                        yield Row(ms, button.id, Press(gesture=gesture))
            if meaning.level is not None:
                levels[gesture] = meaning.level
                services |= set(meaning.services)
        if levels:
            for ms, level in self._levels(button, services):
                nearest = min(levels, key=lambda gesture: abs(levels[gesture] - level))
                yield Row(ms, button.id, Press(gesture=nearest))

    def _levels(self, button: Button, services: Collection[str]) -> Iterator[tuple[int, Level]]:
        """How busy the clerks find it, while some counter of these services is open."""
        listed = [s for s in self._today.services if s.id in services]
        times = np.arange(_LEVELS_EVERY_MS, self._today.length_ms, _LEVELS_EVERY_MS)
        jitter = self._today.rng(f"button {button.id}").integers(
            -_LEVELS_JITTER_MS, _LEVELS_JITTER_MS, len(times)
        )
        grid = times + jitter
        waiting = self._waiting(services).on(grid).tolist()
        opened = self._opened({c for s in listed for c in s.counters}).on(grid).tolist()
        for ms, people, counters in zip(grid.tolist(), waiting, opened, strict=True):
            if counters:
                each = people / counters
                yield ms, 1 + (each >= _LEVEL_2_FROM) + (each >= _LEVEL_3_FROM)

    def _calls(self, services: Collection[str] | None = None) -> Iterator[tuple[int, Ticket]]:
        for ms, service, reading in self._told:
            if not isinstance(reading, Ticket) or reading.event != "called":
                continue
            if services is None or service in services:
                yield ms, reading

    def _waiting(self, services: Collection[str]) -> Tally:
        """Tickets issued and not yet called; nobody knows who has left."""
        change = {"issued": 1, "called": -1}
        return Tally(
            (ms, change.get(reading.event, 0))
            for ms, service, reading in self._told
            if isinstance(reading, Ticket) and service in services
        )

    def _opened(self, counters: Collection[str]) -> Tally:
        return Tally(
            (ms, 1 if reading.open else -1)
            for ms, counter, reading in self._told
            if isinstance(reading, Counter) and counter in counters
        )
