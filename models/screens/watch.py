"""One display as the hub sees it: what it says that it paints, and what is wrong with that."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from models.calendar import Calendar
from models.contract.results import DeviceStatus, Screen
from models.screens.truth import Patience, Said, clock_error_s, differences, emergencies
from models.site import Display, Site

_APART = ("dark", "emergency", "identify", "guide")
"""While these lie over the board, nobody can read it."""


class Watch:
    """What one display reported last, and since when something of it is missing.

    Nothing is wrong with a display that was never there: it may be bought next year.
    """

    def __init__(self, site: Site, display: Display, patience: Patience) -> None:
        self._site, self._calendar, self._patience = site, Calendar(site), patience
        self._services = frozenset(display.services or (service.id for service in site.services))
        self._wanted = [
            *(f"service {service.id}" for service in site.services if service.id in self._services),
            *(f"lot {lot.id}" for lot in site.car_parks if lot.id in display.lots),
            *(f"zone {zone.id}" for zone in site.zones if zone.id in display.zones),
        ]
        self._dated = {f"service {s.id}": s.id for s in site.services if s.dates is not None}
        self._status: DeviceStatus | None = None
        self._heard: datetime | None = None
        self._board_since: datetime | None = None
        self._seen: dict[str, datetime] = {}
        self._wrong: tuple[str, ...] = ()
        self.reported_at: datetime | None = None

    def state(self, status: DeviceStatus, now: datetime) -> None:
        """It said whether it is there, or the broker did."""
        self._status = status
        self._heard = self._heard or now

    def report(self, screen: Screen, said: Said, now: datetime) -> None:
        """It said what it paints."""
        self._heard = self.reported_at = now
        wrong = [
            *self._late(screen, now),
            *self._hidden(screen, said, now),
            *self._missing(screen, now),
            *differences(screen, said, now, self._services),
        ]
        self._wrong = tuple(wrong)

    def wrong(self, now: datetime) -> tuple[str, ...]:
        """What is not as it should be, a line each."""
        if self._heard is None or self._status in (None, "disconnected"):
            return ()
        if (now - self._heard).total_seconds() <= self._patience.silence_s:
            return self._wrong
        since = self._heard.astimezone(self._site.zone_info).strftime("%H:%M")
        if self._status == "lost":
            return (f"it cannot be reached since {since}",)
        return (f"nobody knows what it shows: its page has said nothing since {since}",)

    def _late(self, screen: Screen, now: datetime) -> Iterator[str]:
        local = now.astimezone(self._site.zone_info)
        if screen.clock and clock_error_s(screen.clock, local) > self._patience.clock_s:
            yield f"clock: want {local:%H:%M}, got {screen.clock}"

    def _hidden(self, screen: Screen, said: Said, now: datetime) -> Iterator[str]:
        """Emergencies that are not on it, and a dark screen while people are there."""
        wanted = emergencies(said, now)
        turn_s = (
            self._patience.change_s if len(wanted) == 1 else self._patience.turn_s * len(wanted)
        )
        on_it = {notice.id for notice in screen.emergencies if notice.ago_s <= turn_s}
        for name in wanted:
            if name not in on_it:
                yield f"emergency {name} is not on the screen"
        today = self._calendar.office(self._calendar.day_of(now))
        if screen.layer == "dark" and self._calendar.is_open(today, now):
            yield "the screen is dark while the office is open"

    def _missing(self, screen: Screen, now: datetime) -> Iterator[str]:
        """Rows that have had no turn for too long."""
        for kind, rows in (
            ("service", screen.services),
            ("lot", screen.lots),
            ("zone", screen.zones),
        ):
            self._seen |= {f"{kind} {row.id}": now - timedelta(seconds=row.ago_s) for row in rows}
        if screen.layer in _APART or self._board_since is None:
            self._board_since = now
        calls_s = self._patience.calls_s if screen.layer == "takeover" else 0.0
        limit = timedelta(seconds=self._patience.turn_s * max(1, screen.pages) + calls_s)
        for key, since in self._expected(now):
            if now - max(self._seen.get(key, since), self._board_since, since) > limit:
                yield f"{key} is not on the screen"

    def _expected(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        """What should have its turn today, and since when at the earliest."""
        today = self._calendar.day_of(now)
        midnight = datetime.combine(today, time(), self._site.zone_info)
        for key in self._wanted:
            service = self._dated.get(key)
            if service is None:
                yield key, self._board_since or now
            elif self._calendar.is_shown(service, today):
                yield key, midnight
