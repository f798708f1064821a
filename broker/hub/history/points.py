"""What goes to a city's time series server: journal rows and what was told, as line protocol.

Source of the format: InfluxDB, "Line protocol". Nothing is escaped, as every word in it is an id of
the contract, or one of ours.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import msgspec

from broker.hub.history.rollup import SLOT_MS
from models.contract.codec import decode_reading
from models.errors import BadPayload

TAGS = {"crossing": "direction", "pulse": "direction", "press": "gesture", "ticket": "event"}
"""What tells events of one kind and name apart."""

FIELDS: dict[str, tuple[str, ...]] = {
    "people": ("count",),
    "cars": ("occupied", "seen"),
    "queue": ("waiting", "open"),
    "counter": ("open",),
    "level": ("level",),
    "pause": ("paused",),
    "set": ("count",),
    "crossing": (),
    "pulse": (),
    "press": (),
    "ticket": (),
    "beat": (),
    "gap": (),
}
"""The numbers of each kind; what has none is an event, and its number is `count=1`."""

UNSHIPPED = frozenset({"notice", "bookings", "skip"})
"""Kinds that stay: texts, what is no number of one moment, and what tells of no moment."""

SCORED = ("error_s", "within", "came_s")
"""Measures of told waits that came true. They are dated by the tickets, which may come late."""

WINDOW = 2000
"""Rows of the journal among which no two of one series get the same millisecond."""

Told = tuple[int, str, str, str, int, float]
"""A cell of what was told: slot, kind, name, measure, count, sum."""


class Row(msgspec.Struct, frozen=True):
    """One row of the journal; without a payload it has nothing to say to others."""

    id: int
    device: str
    kind: str
    name: str
    at_ms: int
    payload: bytes | None


class Stamps:
    """When a point is, so that no two of one series are at the same millisecond.

    VictoriaMetrics keeps milliseconds only, and one value for each. Whatever stands in one with an
    earlier row goes to the next that is free: by as many as came in that millisecond. What is free
    follows from the WINDOW rows before alone, so a row gets the same stamp whenever it is sent.
    """

    def __init__(self) -> None:
        self._order: deque[tuple[int, str, int]] = deque()
        self._taken: set[tuple[str, int]] = set()

    def stamp(self, row_id: int, series: str, at_ms: int) -> int:
        """Milliseconds since 1970 for a row; ask in the order of the journal."""
        while self._order and self._order[0][0] <= row_id - WINDOW:
            self._taken.discard(self._order.popleft()[1:])
        while (series, at_ms) in self._taken:
            at_ms += 1
        self._taken.add((series, at_ms))
        self._order.append((row_id, series, at_ms))
        return at_ms


def seen_line(site: str, row: Row, stamps: Stamps) -> str | None:
    """The point of one row of the journal; None if it has no number."""
    if row.payload is None:
        return None
    try:
        reading = decode_reading(row.kind, row.payload)
    except BadPayload:  # a kind that has changed since
        return None
    fields = _fields(row.kind, reading)
    if not fields:
        return None
    series = f"machiai_{row.kind},device={row.device},name={row.name},site={site}"
    tag = TAGS.get(row.kind)
    if tag is not None:
        series += f",{tag}={getattr(reading, tag)}"
    return f"{series} {fields} {stamps.stamp(row.id, series, row.at_ms)}"


def _fields(kind: str, reading: Any) -> str:  # noqa: ANN401  one of many
    names = FIELDS[kind]
    if not names:
        return "count=1"
    values = ((name, getattr(reading, name)) for name in names)
    return ",".join(f"{name}={int(value)}" for name, value in values if value is not None)


def told_lines(site: str, cells: Iterable[Told]) -> Iterator[str]:
    """The points of what was told, a line for each thing and slot; cells by slot, kind and name."""
    for (slot, kind, name), of_one in groupby(cells, key=lambda cell: cell[:3]):
        fields = ",".join(f"{measure}={total:.10g}" for *_, measure, _, total in of_one)
        yield f"machiai_told_{kind},name={name},site={site} {fields} {slot * SLOT_MS}"


def scored_lines(site: str, cells: Iterable[Told]) -> Iterator[str]:
    """The points of how true told waits were: sums, and of how many waits."""
    for (slot, _, name), of_one in groupby(cells, key=lambda cell: cell[:3]):
        sums = {measure: (count, total) for *_, measure, count, total in of_one}
        fields = ",".join(f"{measure}_sum={total:.10g}" for measure, (_, total) in sums.items())
        count = max(count for count, _ in sums.values())
        series = f"machiai_accuracy,name={name},site={site}"
        yield f"{series} {fields},waits={count} {slot * SLOT_MS}"
