"""Who did what, when and from where: lines that are only ever added, each bound to the one before.

A line's hash covers that of the line before, so that none can be changed or taken out unseen.
Number and hash of each go to the system's journal as well, which tells if the end is cut off.
"""

import asyncio
import csv
import hashlib
import io
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from aiohttp import web

from signage.staff.room import Part, Person, Role, Room, View
from signage.staff.store import Store

logger = logging.getLogger("machiai.staff")

PAGE = 100
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = ("number", "at", "who", "from", "act", "outcome", "what", "hash")
_LONGEST = 500


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `outcome` is `done`, `refused` or `failed`."""

    id: int
    at_s: float
    who: str
    source: str
    act: str
    outcome: str
    what: str
    before: str
    hash: str

    @property
    def at(self) -> datetime:
        """When."""
        return datetime.fromtimestamp(self.at_s, UTC)

    @property
    def right(self) -> str:
        """The hash that it must have."""
        told = (self.id, self.at_s, self.who, self.source, self.act, self.outcome, self.what)
        return hashlib.sha256(msgspec.json.encode((self.before, *told))).hexdigest()


_SELECT = f"SELECT {', '.join(Line.__struct_fields__)} FROM audit"  # noqa: S608  ours


class Audit:
    """The log of one office. Its methods wait for the disk."""

    def __init__(self, store: Store, days: int) -> None:
        self._store = store
        self._kept_s = timedelta(days=days).total_seconds()

    def note(
        self, now: datetime, *, who: str, source: str, act: str, outcome: str, what: str = ""
    ) -> None:
        """One more line; those that are too old go."""
        with self._store.base() as base:
            base.execute("DELETE FROM audit WHERE at_s < ?", (now.timestamp() - self._kept_s,))
            last = base.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
            number, before = (0, "") if last is None else last
            line = Line(
                id=number + 1,
                at_s=now.timestamp(),
                who=who,
                source=source,
                act=act,
                outcome=outcome,
                what=" ".join(what.split())[:_LONGEST],
                before=before,
                hash="",
            )
            line = msgspec.structs.replace(line, hash=line.right)
            base.execute(
                "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                msgspec.structs.astuple(line),
            )
        logger.info("audit %d %s", line.id, line.hash[:16])

    def lines(self, before: int | None = None, count: int = PAGE) -> list[Line]:
        """The newest first, from before a number."""
        with self._store.base() as base:
            rows = base.execute(
                f"{_SELECT} WHERE id < ? ORDER BY id DESC LIMIT ?",
                (before or 1 << 62, count),
            ).fetchall()
        return [_line(row) for row in rows]

    def every(self) -> list[Line]:
        """All, the oldest first."""
        with self._store.base() as base:
            return [_line(row) for row in base.execute(f"{_SELECT} ORDER BY id")]

    def broken(self) -> int | None:
        """The number of the first line that is not as it was written, or does not follow; or None.

        The first that is kept may follow one that is not kept any more.
        """
        previous: Line | None = None
        for line in self.every():
            follows = previous is None or (
                line.before == previous.hash and line.id == previous.id + 1
            )
            if not follows or line.hash != line.right:
                return line.id
            previous = line
        return None

    def came_from(self, who: str, since: datetime) -> set[str]:
        """The addresses from which somebody came in since then."""
        with self._store.base() as base:
            rows = base.execute(
                "SELECT DISTINCT source FROM audit"
                " WHERE who = ? AND at_s > ? AND act = 'log-in' AND outcome = 'done'",
                (who, since.timestamp()),
            ).fetchall()
        return {str(source) for (source,) in rows}


def _line(row: tuple[object, ...]) -> Line:
    return msgspec.convert(dict(zip(Line.__struct_fields__, row, strict=True)), Line)


class AuditPage(Part):
    """`/staff/audit`: the log, to be read and to be taken along."""

    def __init__(self, room: Room, audit: Audit) -> None:
        self._room = room
        self._audit = audit

    def menu(self) -> Mapping[str, str]:
        """It stands in the navigation."""
        return {"/audit": "menu.audit"}

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """The page, and the file."""
        return {"/audit": ("facility", self._page), "/audit.csv": ("facility", self._csv)}

    async def _page(self, request: web.Request, person: Person) -> web.Response:
        asked = request.query.get("before", "")
        before = int(asked) if asked.isdecimal() and len(asked) < 16 else None  # noqa: PLR2004
        lines = await asyncio.to_thread(self._audit.lines, before, PAGE + 1)
        broken = await asyncio.to_thread(self._audit.broken)
        return self._room.page(
            person,
            "staff_audit.html",
            lines=lines[:PAGE],
            older=lines[PAGE - 1].id if len(lines) > PAGE else None,
            broken=broken,
        )

    async def _csv(self, request: web.Request, person: Person) -> web.Response:
        _ = request, person
        lines = await asyncio.to_thread(self._audit.every)
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(_COLUMNS)
        table.writerows(_cells(lines))
        name = f"audit-{self._room.site.id}.csv"
        return web.Response(
            body=out.getvalue().encode("utf-8-sig"),  # spreadsheets ask for the mark
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _cells(lines: list[Line]) -> Iterator[list[str]]:
    for line in lines:
        cells = (line.who, line.source, line.act, line.outcome, line.what, line.hash)
        yield [str(line.id), line.at.isoformat(), *map(_harmless, cells)]


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
