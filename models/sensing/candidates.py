"""What a page might say of queues: found by the words beside the numbers, for `machiai probe`.

A guess is shown to a person, never put into service by itself. Each is tried on the page first:
what is returned here reads there what it says.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from models.errors import BadPayload, BadSite
from models.sensing.html_page import Grid
from models.sensing.json_path import as_text
from models.sensing.queue_page import Find, Page, Wanted, called_in, number_in
from models.sensing.template import NOTHING, NUMBER, TICKET


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_TIME = re.compile(
    r"時間|時刻|更新|時点|所要|平均|分待|日付|time|minute|min$|sec|date|hour|eta|estimate",
    re.IGNORECASE,
)
_KINDS: tuple[tuple[Wanted, re.Pattern[str]], ...] = (
    ("open", _any("開設", "窓口数", "受付中の窓口", "稼働", "open", "desks", "windows", "active")),
    ("waiting", _any("待", "wait", "machi", "in.?line", "in.?queue", "queue.?(len|size|count)")),
    ("called", _any("呼", "よびだし", "案内", "番号", "受付中", "call", "serv(e|ing)", "current")),
    ("called", _any("yobi", "ticket", "number", "(^|_)no$")),
    ("waiting", _any("人数", "people", "persons", "^count$", "^queue$")),
)
_NAMES = (
    "name",
    "title",
    "label",
    "窓口名",
    "窓口",
    "業務",
    "名称",
    "課",
    "service",
    "desk",
    "section",
)
_PLACED = re.compile(rf"{NUMBER}|{TICKET}|(?<!\S){NOTHING}(?!\S)")
_COUNTED = re.compile(r"約|第|[人名組分秒番号台]")
_IS_TIME = re.compile(r"\s?(分|秒|時|min|sec|:|%|円)", re.IGNORECASE)
_UNIT = re.compile(r"\s?(人|名|組|people|persons|waiting)")
_NOT_SAID = re.compile(r"[.\[\]=|{}*]")
_MOST = 60
_MOST_TRIED = 200
_MOST_NODES = 20_000
_LONGEST_LABEL = 40
_BACK = 3
_LONGEST_WORDS = 120


class Candidate(msgspec.Struct, frozen=True):
    """One pattern that may be meant: for which service, what it is of, and what it reads now."""

    label: str
    wanted: Wanted
    written: str
    reads: str


def candidates(page: Page) -> list[Candidate]:
    """All that are found, at most 60: in tables and JSON, else in the text."""
    found = _tried(page, [*_in_json(page), *_in_tables(page)])
    if not any(one.wanted == "waiting" for one in found):
        found += _tried(page, [*_in_text(page)])
    return found[:_MOST]


def kind_of(title: str) -> Wanted | None:
    """What a title says that stands below it; None for times and all else."""
    plain = "".join(title.split())
    if len(plain) > _LONGEST_LABEL or _TIME.search(plain):
        return None
    return next((kind for kind, words in _KINDS if words.search(plain)), None)


Guess = tuple[str, Wanted, str]
"""For which service, what, and the pattern."""


def _tried(page: Page, guesses: Sequence[Guess]) -> list[Candidate]:
    """The first of each that reads something, and what is like it and reads nothing now."""
    printable = (each for each in guesses if (each[0] + each[2]).isprintable())
    guesses = list(dict.fromkeys(printable))[:_MOST_TRIED]
    made: dict[tuple[str, Wanted], Candidate] = {}
    for label, wanted, written in guesses:
        if (label, wanted) not in made and len(made) < _MOST:
            reads = reading(page, wanted, written)
            if reads is not None:
                made[label, wanted] = Candidate(label, wanted, written, reads)
    known = {(one.wanted, _tail(one.written)) for one in made.values() if _tail(one.written)}
    for label, wanted, written in guesses:
        if (wanted, _tail(written)) in known and len(made) < _MOST:
            made.setdefault((label, wanted), Candidate(label, wanted, written, ""))
    labels = list(dict.fromkeys(label for label, _, _ in guesses))
    order: tuple[Wanted, ...] = ("waiting", "called", "open")
    return sorted(made.values(), key=lambda c: (labels.index(c.label), order.index(c.wanted)))


def _tail(written: str) -> str:
    """The column or key at the end of a place that begins with a row or an element."""
    return "|".join(re.findall(r"(?:\| |\]\.)([^|\]]+)$", written))


def reading(page: Page, wanted: Wanted, written: str) -> str | None:
    """What a pattern reads, None if that is nothing that it may be."""
    try:
        text = Find(written, "pattern", wanted).text(page)
    except (BadPayload, BadSite):
        return None
    if text is None:
        return None
    if wanted == "called":
        return called_in(text)
    number = number_in(text)
    return None if number is None else str(number)


# ── tables ────────────────────────────────────────────────────────────────────────────────────────


def _in_tables(page: Page) -> Iterator[Guess]:
    for grid in page.laid.tables:
        yield from _by_columns(grid)
        yield from _by_columns(_turned(grid))
        for row in grid:
            if len(row) == 2 and (kind := kind_of(row[0])) and _is_value(row[1]):  # noqa: PLR2004
                yield "", kind, f"table: {row[0]}"


def _by_columns(grid: Grid) -> Iterator[Guess]:
    """Tables with what is counted as titles of columns, and a service a row."""
    titles: dict[int, tuple[Wanted, str]] = {}
    for row in grid:
        kinds = {i: (kind, cell) for i, cell in enumerate(row) if (kind := kind_of(cell))}
        if len(kinds) > 1 or (kinds and not any(map(_is_value, row))):
            titles = kinds
            continue
        label = next((c for i, c in enumerate(row) if i not in titles and _is_label(c)), "")
        for column, (kind, title) in titles.items():
            if label and column < len(row) and not _NOT_SAID.search(label + title):
                yield label, kind, f"table: {label} | {title}"


def _turned(grid: Grid) -> Grid:
    width = min(max(map(len, grid), default=0), len(grid) * 4 + 20)
    return tuple(tuple(row[i] if i < len(row) else "" for row in grid) for i in range(width))


def _is_value(cell: str) -> bool:
    return number_in(cell) is not None or called_in(cell) is not None


def _is_label(cell: str) -> bool:
    """Whether it names something: a number with its unit does not."""
    letters = sum(map(str.isalpha, _COUNTED.sub("", cell)))
    return letters > 1 and len(cell) <= _LONGEST_LABEL


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────────


def _in_json(page: Page) -> Iterator[Guess]:
    try:
        documents = page.documents
    except BadPayload:
        return
    left = _MOST_NODES
    for document in documents:
        waiting: list[tuple[str, str, Any]] = [("", "", document)]
        while waiting and left:
            left -= 1
            path, label, node = waiting.pop(0)
            if isinstance(node, list):
                waiting += _elements(path, label, node)
            elif isinstance(node, dict):
                own = _name_in(node) or label
                for key, value in node.items():
                    where = f"{path}.{key}" if path else key
                    if _NOT_SAID.search(key) or len(where) > 200:  # noqa: PLR2004  a path, no page
                        continue
                    if isinstance(value, dict | list):
                        waiting.append((where, key if isinstance(value, dict) else own, value))
                    elif (value is None or as_text(value) is not None) and (kind := kind_of(key)):
                        yield own, kind, f"json: {where}"


def _elements(path: str, label: str, node: list[Any]) -> list[tuple[str, str, Any]]:
    """The elements of a list, by their names where each has its own."""
    names = [_naming(one) for one in node]
    said = [name and as_text(one[name]) for one, name in zip(node, names, strict=True)]
    made = []
    for i, (one, name, text) in enumerate(zip(node, names, said, strict=True)):
        by_name = name and text and said.count(text) == 1 and not _NOT_SAID.search(text)
        made.append(
            (
                f"{path}[{name}={text}]" if by_name else f"{path}[{i}]",
                " ".join((text or label).split()),
                one,
            )
        )
    return made[:1000]


def _naming(node: Any) -> str | None:  # noqa: ANN401  any JSON
    """The key below which an object has its name."""
    if not isinstance(node, dict):
        return None
    texts = [k for k, v in node.items() if isinstance(v, str) and _is_label(v) and not kind_of(k)]
    named = [key for word in _NAMES for key in texts if word in key.lower()]
    return next(iter(named or texts), None)


def _name_in(node: dict[str, Any]) -> str:
    name = _naming(node)
    return " ".join(node[name].split()) if name else ""


# ── text ──────────────────────────────────────────────────────────────────────────────────────────


def _in_text(page: Page) -> Iterator[Guess]:
    """Numbers with a word before or a unit behind that says what they are."""
    text = page.laid.text
    spots: list[tuple[int, int, Wanted | None]] = []
    end = 0
    for found in _PLACED.finditer(text):
        if len(spots) == _MOST * 3:
            break
        unit = _UNIT.match(text, found.end())
        kind = _said_before(text[max(end, found.start() - 60) : found.start()])
        if unit and kind != "open":
            kind = "waiting"
        if _IS_TIME.match(text, found.end()):
            kind = None
        spots.append((found.start(), found.end(), kind))
        end = found.end()
    kinds = [kind for _, _, kind in spots]
    for i, kind in enumerate(kinds):
        if kind is None:
            continue
        tried = (one for one in _written(text, spots, i) if reading(page, kind, one) is not None)
        for pattern in islice(tried, 1):
            yield _label(pattern) if kinds.count(kind) > 1 else "", kind, pattern


def _said_before(words: str) -> Wanted | None:
    """What the last words before a number say."""
    for line in reversed(words.split("\n")):
        if line.strip():
            plain = line.strip()[-12:]
            return kind_of(plain)
    return None


def _written(text: str, spots: list[tuple[int, int, Wanted | None]], i: int) -> Iterator[str]:
    """Patterns for a number, from the shortest to those that begin some numbers before it."""
    start, end, wanted = spots[i]
    unit = _UNIT.match(text, end)
    tail = f"{{{wanted}}}{unit[0] if unit else ''}"
    for back in range(i, max(-1, i - _BACK - 1), -1):
        before = spots[back - 1][1] if back else 0
        words = text[max(before, start - _LONGEST_WORDS) : start]
        if not words[:1].isspace() and before:  # what belongs to the number before is no word
            words = " ".join(words.split(None, 1)[1:])
        lines = words.split("\n")
        for first in range(len(lines) - 1, -1, -1):
            if said := " ".join(" ".join(lines[first:]).split()):
                yield f"{said} {tail}"
        if not back:
            return
        skipped = f"{{{spots[back - 1][2] or 'any'}}}"
        skipped = "{any}" if skipped in tail else skipped
        between = " ".join(text[before:start].split())
        start = spots[back - 1][0]
        tail = f"{skipped}{' ' * text[before].isspace()}{between} {tail}"


def _label(pattern: str) -> str:
    """The words of a pattern before the first that says what is counted."""
    named = []
    for word in re.split(r"[:\s]+", pattern):
        if "{" in word or kind_of(word):
            break
        named.append(word)
    return " ".join(named)
