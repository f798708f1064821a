"""The cells of the roll-ups that a report reads, found by what they are of."""

from collections.abc import Iterable, Mapping
from typing import Protocol

SLOT_MS = 300_000
"""The roll-ups' step."""

Source = tuple[str, str]
"""Kind and measure."""

SOURCES: tuple[Source, ...] = (
    *(("ticket", measure) for measure in ("issued", "called", "absent", "cancelled", "wait_s")),
    *(("service", measure) for measure in ("no_data", "wait_p50_s", "waiting", "error_s")),
    *(("service", measure) for measure in ("within", "came_s")),
    *(("lot", measure) for measure in ("no_data", "free", "full", "capacity")),
    *(("zone", measure) for measure in ("no_data", "people")),
    ("beat", "told"),
    ("gap", "told"),
)
"""All that a report asks the roll-ups for."""


class Cell(Protocol):
    """Five minutes of one measure, as the hub's history gives them."""

    @property
    def slot_ms(self) -> int:
        """When it begins, milliseconds since 1970."""

    @property
    def name(self) -> str:
        """Of the service, lot, zone, device or sensor."""

    @property
    def count(self) -> int:
        """How many values."""

    @property
    def sum(self) -> float:
        """Their sum, ..."""

    @property
    def min(self) -> float:
        """... the least ..."""

    @property
    def max(self) -> float:
        """... and the greatest of them."""


class Kept:
    """What there is, by source and name, then by slot."""

    def __init__(self, cells: Mapping[Source, Iterable[Cell]]) -> None:
        self._found: dict[tuple[str, str, str], dict[int, Cell]] = {}
        for (kind, measure), listed in cells.items():
            for cell in listed:
                self._found.setdefault((kind, measure, cell.name), {})[cell.slot_ms] = cell

    def of(self, kind: str, name: str, measure: str) -> Mapping[int, Cell]:
        """By the beginning of their slots."""
        return self._found.get((kind, measure, name), {})

    def names(self, kind: str, measure: str) -> list[str]:
        """Of what there is any."""
        return sorted(n for k, m, n in self._found if (k, m) == (kind, measure))

    def slots(self) -> set[int]:
        """All in which there is anything."""
        return {ms for cells in self._found.values() for ms in cells}

    def first_ms(self) -> int | None:
        """The oldest slot of all; None if there is nothing."""
        return min((min(slots) for slots in self._found.values()), default=None)
