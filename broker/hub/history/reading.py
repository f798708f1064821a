"""The past as it was rolled up, read beside a hub at work. Nothing here writes or locks."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import msgspec

from broker.hub.history.rollup import HOUR_SLOTS, SLOT_MS
from broker.hub.history.sqlite import VERSION, from_milliseconds, milliseconds
from models.errors import BadData, Missing

HOUR_MS = HOUR_SLOTS * SLOT_MS
_PLACES = 7 * 24
_CELLS = (
    "SELECT slot, count, sum, min, max, last FROM cell "
    "WHERE series = ? AND slot >= ? AND slot < ? ORDER BY slot"
)
_THURSDAY = timedelta(days=3)  # the weekday on which 1970 began
_BY_HOUR = (
    "SELECT (hour * 3600000 + ?) / 3600000 % 168 AS place, sum(count), sum(sum) FROM hour "
    "WHERE series = ? AND hour >= ? AND hour < ? GROUP BY place"
)
_BY_SLOT = (
    "SELECT (slot * 300000 + ?) / 3600000 % 168 AS place, sum(count), sum(sum) FROM cell "
    "WHERE series = ? AND slot >= ? AND slot < ? GROUP BY place"
)

Week = tuple[tuple[float | None, ...], ...]
"""Seven weekdays from Monday on, of 24 hours each; None is not known."""


class Cell(msgspec.Struct, frozen=True):
    """Five minutes of one measure. `last` is the value of the latest moment in them."""

    slot_ms: int
    name: str
    count: int
    sum: float
    min: float
    max: float
    last: float


class Past:
    """A journal's roll-ups. A context manager; its methods block.

    Args:
        path: the journal of a hub, which may be at work, or a backup of it.

    Raises:
        Missing: there is no file.
        BadData: it is none that this version can read.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Missing(f"want the journal of a hub, got nothing - {path}")
        self._path = path
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self._db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)
        ((version,),) = self._all("PRAGMA user_version")
        if version != VERSION:
            self._db.close()
            raise BadData(
                f"want a journal of version {VERSION}, got {version}: start the hub on it once "
                f"- {path}"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def names(self, kind: str) -> list[str]:
        """Everything of this kind of which anything was ever rolled up."""
        rows = self._all("SELECT DISTINCT name FROM series WHERE kind = ? ORDER BY name", kind)
        return [name for (name,) in rows]

    def span(self) -> tuple[int, int] | None:
        """The first and the last slot that there is, in ms since 1970; None if there is none."""
        ((first, last),) = self._all(
            "SELECT min(a), max(b) FROM (SELECT "
            "(SELECT min(slot) FROM cell WHERE series = id) a, "
            "(SELECT max(slot) FROM cell WHERE series = id) b FROM series)"
        )
        return None if first is None else (first * SLOT_MS, last * SLOT_MS)

    def cells(
        self,
        kind: str,
        measure: str,
        since_ms: int,
        until_ms: int,
        names: Iterable[str] | None = None,
    ) -> list[Cell]:
        """Every five minutes of which something is known, by name and time.

        Args:
            kind: of observation or result.
            measure: of that kind, see docs/history.md.
            since_ms: from the slot of this moment on, in ms since 1970.
            until_ms: up to this moment; a slot that begins then is not among them.
            names: only these; None is all.
        """
        found: list[Cell] = []
        for key, name in self._series(kind, measure, names):
            rows = self._all(_CELLS, key, since_ms // SLOT_MS, -(-until_ms // SLOT_MS))
            found += (Cell(slot * SLOT_MS, name, *values) for slot, *values in rows)
        return found

    def heat(
        self,
        kind: str,
        measure: str,
        since: date,
        until: date,
        zone: tzinfo,
        *,
        names: Iterable[str] | None = None,
    ) -> dict[str, Week]:
        """Means by weekday and hour of each name.

        Args:
            kind: of observation or result.
            measure: of that kind.
            since: from this local day on.
            until: up to this local day, which is not among them.
            zone: the office's.
            names: only these; None is all.
        """
        first_ms, end_ms = (milliseconds(_midnight(day, zone)) for day in (since, until))
        is_whole = all(from_milliseconds(ms).minute == 0 for ms in (first_ms, end_ms))
        sql, unit_ms = (_BY_HOUR, HOUR_MS) if is_whole else (_BY_SLOT, SLOT_MS)
        first, end = first_ms // unit_ms, end_ms // unit_ms
        spans = list(_spans(first, end, unit_ms, zone))
        weeks: dict[str, Week] = {}
        for key, name in self._series(kind, measure, names):
            counts, sums = [0] * _PLACES, [0.0] * _PLACES
            for since_n, until_n, shift_ms in spans:
                for place, count, total in self._all(sql, shift_ms, key, since_n, until_n):
                    counts[place] += count
                    sums[place] += total
            if any(counts):
                means = [s / c if c else None for s, c in zip(sums, counts, strict=True)]
                weeks[name] = tuple(tuple(means[d : d + 24]) for d in range(0, _PLACES, 24))
        return weeks

    def _series(
        self, kind: str, measure: str, names: Iterable[str] | None
    ) -> list[tuple[int, str]]:
        sql = "SELECT id, name FROM series WHERE kind = ? AND measure = ? ORDER BY name"
        rows = self._all(sql, kind, measure)
        wanted = None if names is None else set(names)
        return [(key, name) for key, name in rows if wanted is None or name in wanted]

    def _all(self, sql: str, *values: str | int) -> list[tuple[Any, ...]]:
        """All rows at once: a reader that stays would let the hub's log of writes grow."""
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise BadData(f"want the journal of a hub, got: {error} - {self._path}") from None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _spans(first: int, end: int, unit_ms: int, zone: tzinfo) -> Iterator[tuple[int, int, int]]:
    """From where to where clocks are set the same, and how far they are before Monday's in UTC."""

    def offset(n: int) -> timedelta:
        return from_milliseconds(n * unit_ms).astimezone(zone).utcoffset() or timedelta()

    for shift, same in groupby(range(first, end), offset):
        numbers = list(same)
        yield numbers[0], numbers[-1] + 1, (shift + _THURSDAY) // timedelta(milliseconds=1)
