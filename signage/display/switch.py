"""An emergency switch at the display's own Pi: it needs neither hub nor network.

Closed to ground is an emergency. Open is none, and so is a wire that is broken or was pulled out:
the Pi pulls the pin up. A second switch, a key, makes a drill of it while it is closed as well.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from broker.pins import watch
from models.contract.observations import PostNotice
from models.contract.results import NoticeResult
from models.errors import SensorFailed
from models.sensing.debounce import Debounce, Edge
from models.site import Names
from models.site import Switch as Table
from signage.display.station import Part, Station
from signage.serving import Step
from signage.wording import LANGUAGES, catalogue

TOLD = "switch.json"
"""In the folder of the display: what the hub was told last."""

Means = Literal["open", "emergency", "drill"]
"""What both contacts say together."""

_NEVER = datetime(9999, 12, 30, tzinfo=UTC)
"""The switch ends it, whatever the clock is set to meanwhile."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


class Switched(msgspec.Struct, frozen=True):
    """What the switch says: an emergency, its drill, or None while it is open."""

    notice: NoticeResult | None


class Contacts:
    """What the levels of both pins mean. Pure: see `broker.pins.Machine`.

    It speaks once when the first levels have rested, and then with each change.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._debounce = Debounce(table.bounce_ms / 1000)
        self._closed: set[int] = set()
        self._first_s: float | None = None
        self._said: Means | None = None

    def feed(self, pin: int, active: bool, t_s: float) -> list[Means]:  # noqa: FBT001  a level
        """Take one raw level."""
        if self._first_s is None:
            self._first_s = t_s
        return self._take(self._debounce.feed(pin, active, t_s), t_s)

    def due(self, t_s: float) -> list[Means]:
        """What is known by now without another level."""
        return self._take(self._debounce.due(t_s), t_s)

    @property
    def due_s(self) -> float | None:
        """When to ask `due` next."""
        if self._said is None and self._first_s is not None:
            return self._first_s + self._debounce.bounce_s
        return self._debounce.due_s

    def _take(self, edges: list[Edge], t_s: float) -> list[Means]:
        for edge in edges:
            (self._closed.add if edge.active else self._closed.discard)(edge.pin)
        if self._first_s is None or t_s < self._first_s + self._debounce.bounce_s:
            return []  # it may be closed: nobody knows before it has rested
        means: Means = "open"
        if self._table.pin in self._closed:
            means = "drill" if self._table.drill_pin in self._closed else "emergency"
        if means == self._said:
            return []
        self._said = means
        return [means]


class Switch(Part):
    """Watches the pins. Reads a file: make it in a thread."""

    def __init__(self, station: Station, show: Callable[[Switched], None]) -> None:
        """Take who shows on this display what the switch says."""
        self._station, self._show = station, show
        self._path = station.folder / TOLD
        self._told = _read(self._path)
        table = station.display.switch
        self._texts = (table.texts if table else None) or leave()

    def steps(self) -> Mapping[str, Step]:
        """Watch, if there is a switch."""
        return {} if self._station.display.switch is None else {"switch": self._run}

    async def _run(self) -> None:
        """Watch until cancelled. Pins that cannot be had are tried again, and staff are told."""
        table = self._station.display.switch
        if table is None:
            return
        pins = (table.pin,) if table.drill_pin is None else (table.pin, table.drill_pin)
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                await watch(
                    Contacts(table), pins, self._station.clock, self._tell, self._opened,
                    active_low=True,
                )  # fmt: skip
            except SensorFailed as error:
                self._station.alert("switch", str(error))
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _opened(self, driver: str) -> None:
        _ = driver
        self._station.alert("switch", None)

    async def _tell(self, means: Means) -> None:
        """Show it here at once, then tell the hub: all others show it when there is a network."""
        display = self._station.display
        is_open, drill = means == "open", means == "drill"
        self._show(Switched(None if is_open else self._notice(drill=drill)))
        if means == self._told or self._station.observe is None:
            return  # it was told before this display started again
        said = PostNotice(by=display.id, severity="emergency", drill=drill, texts=self._texts)
        if is_open:
            said = PostNotice(by=display.id, cancel=True)
        await self._station.observe(display.notice, said)
        self._told = means
        await asyncio.to_thread(_write, self._path, means)

    def _notice(self, *, drill: bool) -> NoticeResult:
        clock = self._station.clock
        return NoticeResult(
            at=clock.now(),
            observed_at=clock.now() if clock.is_set() else None,
            valid_until=_NEVER,
            severity="emergency",
            drill=drill,
            texts=self._texts,
        )


def leave() -> Names:
    """That people must leave the building, in all languages. Reads files the first time."""
    return {language: str(catalogue(language)["emergency.leave"][0]) for language in LANGUAGES}


def _read(path: Path) -> Means:
    """What was told last; nothing that can be read is as if the switch had been open."""
    try:
        told: Means = msgspec.json.decode(path.read_bytes(), type=Means)
    except (OSError, ValueError):
        return "open"
    return told


def _write(path: Path, told: Means) -> None:
    """Blocks. A disk that refuses costs no more than telling the hub again after a restart."""
    beside = path.with_suffix(".new")
    try:
        beside.write_bytes(msgspec.json.encode(told))
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        return
