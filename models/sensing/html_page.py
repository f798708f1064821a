"""A page of HTML as people see it: its lines, its tables and what its scripts hold.

Our own cutter in place of `html.parser`, whose time grows with the square of a page that is made to
harm. This one looks at each sign a bounded number of times and keeps a bounded number of cells.
"""

import html
import re
from functools import lru_cache
from typing import NamedTuple

from models.errors import BadPayload
from models.sensing.template import spaced

Grid = tuple[tuple[str, ...], ...]
"""Rows of a table, a cell that spans several standing in each of them."""

MOST_CELLS = 20_000
_MOST_SPAN = 60
_MOST_DEEP = 8
_TAG = re.compile(
    r"<(?:(!--)|(/?)([A-Za-z][A-Za-z0-9-]{0,40})(?=[\s/>])([^<>]{0,4000})>|[!?][^<>]{0,4000}>)"
)
_RAW = {
    name: re.compile(rf"</{name}\b[^<>]{{0,100}}>", re.IGNORECASE)
    for name in ("script", "style", "template", "title", "textarea")
}
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "big", "em", "font", "i", "img", "label", "mark", "nobr", "output"}
    | {"q", "s", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
_ALT = re.compile(
    r"\balt\s?=\s?(?:\"([^\"]{0,40})\"|'([^']{0,40})'|([^\s\"']{1,40}))", re.IGNORECASE
)
_SPAN = re.compile(r"\b(col|row)span\s?=\s?[\"']?\s?([0-9]{1,3})", re.IGNORECASE)


class Laid(NamedTuple):
    """What is on a page."""

    text: str
    tables: tuple[Grid, ...]
    scripts: tuple[str, ...]


class _Cell(NamedTuple):
    said: list[str]
    across: int
    down: int


class _Table:
    """A table that is being read."""

    def __init__(self) -> None:
        self.rows: list[list[_Cell]] = []

    def row(self) -> None:
        self.rows.append([])

    def cell(self, attributes: str) -> None:
        spans = {name.lower(): int(number) for name, number in _SPAN.findall(attributes)}
        across, down = (max(1, min(spans.get(name, 1), _MOST_SPAN)) for name in ("col", "row"))
        if not self.rows:
            self.row()
        self.rows[-1].append(_Cell([], across, down))

    def say(self, text: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1].said.append(text)

    def grid(self, most: int) -> Grid:
        """All rows.

        Raises:
            BadPayload: more cells than `most`.
        """
        hanging: dict[int, tuple[int, str]] = {}
        made: list[tuple[str, ...]] = []
        count = 0
        for row in self.rows:
            cells: dict[int, str] = {}
            for column, (left, text) in list(hanging.items()):
                cells[column] = text
                hanging.pop(column)
                if left > 1:
                    hanging[column] = (left - 1, text)
            at = 0
            for cell in row:
                text = spaced(html_text("".join(cell.said))).replace("\n", " ")
                while at in cells:
                    at += 1
                for column in range(at, at + cell.across):
                    cells[column] = text
                    if cell.down > 1:
                        hanging[column] = (cell.down - 1, text)
                at += cell.across
                count += cell.across
                if count + len(hanging) > most:
                    raise _too_large()
            count += len(hanging)
            made.append(tuple(cells.get(i, "") for i in range(max(cells, default=-1) + 1)))
        return tuple(row for row in made if any(row))


def laid_out(source: str) -> Laid:
    """The page as it is read.

    Raises:
        BadPayload: tables that no queue display has.
    """
    if sum(map(source.count, ("<td", "<TD", "<th", "<TH"))) > MOST_CELLS:
        raise _too_large()
    text: list[str] = []
    scripts: list[str] = []
    tables: list[_Table] = []
    open_tables: list[_Table] = []
    end = 0
    while found := _TAG.search(source, end):
        _say(source[end : found.start()], text, open_tables)
        end = found.end()
        comment, closes, tag, attributes = found.groups()
        name = (tag or "").lower()
        if comment:
            end = source.find("-->", end) % (len(source) + 1)  # to the end where there is none
            continue
        if name in _RAW and not closes:
            close = _RAW[name].search(source, end)
            inside = source[end : close.start() if close else len(source)]
            end = close.end() if close else len(source)
            scripts += [inside] * (name == "script")
            text += [inside, "\n"] if name == "title" else ["\n"]
            continue
        _take(f"{closes or ''}{name}", attributes or "", tables, open_tables)
        _say(_between(name, attributes or ""), text, open_tables)
    _say(source[end:], text, open_tables)
    grids: list[Grid] = []
    left = MOST_CELLS
    for table in tables:
        grids.append(table.grid(left))
        left -= sum(map(len, grids[-1]))
    return Laid(spaced(html_text("".join(text))), tuple(filter(None, grids)), tuple(scripts))


def crossing(grid: Grid, one: str, other: str) -> list[str]:
    """The cells where a row and a column cross that are titled so, whichever is which."""
    titles = [_plain(one), _plain(other)]
    plain = [[_plain(cell) for cell in row] for row in grid]
    found: list[str] = []
    for row_title, column_title in (titles, titles[::-1]):
        columns: list[int] = []
        above: list[str] = []
        for row, names in zip(grid, plain, strict=True):
            if columns and row_title in names:
                at = names.index(row_title)
                is_below = at < len(above) and above[at] == row_title  # a title of several rows
                column = next((column for column in columns if column > at), columns[0])
                if not is_below and column < len(row) and column != at:
                    found.append(row[column])
            if column_title in names:
                columns = [i for i, name in enumerate(names) if name == column_title]
            above = names
    return found


def beside(grid: Grid, title: str) -> list[str]:
    """The cells with a digit to the right of one that is titled so."""
    wanted = _plain(title)
    found = []
    for row in grid:
        plain = [_plain(cell) for cell in row]
        if wanted in plain:
            right = row[plain.index(wanted) + 1 :]
            found += [cell for cell in right if any(map(str.isdecimal, cell))]
    return found


def html_text(source: str) -> str:
    """With `&amp;` and its like as the signs they stand for.

    Raises:
        BadPayload: a number of thousands of digits for a sign.
    """
    try:
        return html.unescape(source)
    except ValueError:
        raise BadPayload("want HTML, got something else") from None


def _between(name: str, attributes: str) -> str:
    """What a tag is in the text: the words for a picture, a gap or a new line."""
    if name == "img":
        alt = _ALT.search(attributes)
        return next(filter(None, alt.groups()), "") if alt else ""
    if name in _INLINE:
        return ""
    return " " if name in {"td", "th"} else "\n"


def _too_large() -> BadPayload:
    return BadPayload(f"want tables of at most {MOST_CELLS} cells, got larger ones")


def _say(text: str, said: list[str], tables: list[_Table]) -> None:
    if text:
        said.append(text)
        if tables:
            tables[-1].say(text)


def _take(tag: str, attributes: str, tables: list[_Table], open_tables: list[_Table]) -> None:
    """Note where tables, rows and cells begin and end."""
    if tag == "table":
        if len(open_tables) < _MOST_DEEP:
            open_tables.append(_Table())
            tables.append(open_tables[-1])
    elif tag == "/table" and open_tables:
        open_tables.pop()
    elif open_tables and tag == "tr":
        open_tables[-1].row()
    elif open_tables and tag in {"td", "th"}:
        open_tables[-1].cell(attributes)


@lru_cache(maxsize=4096)
def _plain(cell: str) -> str:
    return "".join(cell.split()).casefold()
