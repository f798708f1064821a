"""XML of strangers: read whole or refused, with nothing in it that could grow or fetch."""

import re
import unicodedata
from datetime import UTC, datetime, tzinfo
from xml.etree import ElementTree as ET

from models.errors import BadPayload

MAX_BYTES = 8 * 1024 * 1024
"""Of a list; the JMA's hold some days of all prefectures."""

MOST_ELEMENTS = 200_000
_DEEPEST = 40
_MULTIBYTE = {
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc_jp",
}
"""What Japanese offices write, and expat does not read by itself."""

_DECLARED = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?")


class _Builder(ET.TreeBuilder):
    """A tree of bounded size. No document type, so no entity: neither a bomb nor another's file."""

    def __init__(self, elements: int) -> None:
        super().__init__()
        self._most, self._count, self._depth = elements, 0, 0

    def doctype(self, *_: str | None) -> None:
        raise BadPayload("want XML without a document type, got one")

    def start(self, tag: str, attrs: dict[str, str], /) -> ET.Element:
        self._count += 1
        self._depth += 1
        if self._count > self._most or self._depth > _DEEPEST:
            raise BadPayload(f"want at most {self._most} elements, {_DEEPEST} deep, got more")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


def parse(body: bytes, most: int = MAX_BYTES, elements: int = MOST_ELEMENTS) -> ET.Element:
    """The root of a document of at most so many bytes and elements.

    Raises:
        BadPayload: it is no XML, too large, too deep, or has a document type.
    """
    if len(body) > most:
        raise BadPayload(f"want at most {most} bytes, got more")
    declared = _DECLARED.match(body)
    encoding = _MULTIBYTE.get(declared[1].decode("ascii").lower()) if declared else None
    try:
        if encoding is None:
            parser = ET.XMLParser(target=_Builder(elements))  # noqa: S314  the builder refuses what is dangerous
        else:
            body = body.decode(encoding).encode()
            parser = ET.XMLParser(target=_Builder(elements), encoding="utf-8")  # noqa: S314
        parser.feed(body)
        root: ET.Element = parser.close()
    except (ET.ParseError, ValueError, LookupError) as error:
        if isinstance(error, BadPayload):
            raise
        raise BadPayload(f"want XML, got {type(error).__name__}") from None
    return root


def name_of(element: ET.Element) -> tuple[str, str]:
    """Namespace and name.

    >>> name_of(ET.Element("{urn:x}alert"))
    ('urn:x', 'alert')
    """
    space, brace, name = element.tag.rpartition("}")
    return space[1:] if brace else "", name


def children(element: ET.Element, *names: str) -> list[ET.Element]:
    """Those below, step by step, of the same namespace as each parent or of a more special one.

    The JMA changes the namespace from part to part, so names alone are compared.
    """
    found = [element]
    for name in names:
        found = [child for parent in found for child in parent if name_of(child)[1] == name]
    return found


def text(element: ET.Element, *names: str) -> str:
    """The text of the first such element, on one line; empty if there is none."""
    return " ".join(lines(element, *names))


def lines(element: ET.Element, *names: str) -> list[str]:
    """The lines of the first such element, without what cannot be seen and empty ones."""
    found = children(element, *names)
    return tidy("".join(found[0].itertext())) if found else []


def tidy(said: str) -> list[str]:
    r"""Lines with one space between words, no sign that steers a terminal or a writing direction.

    >>> tidy("  Leave   now.\r\n\n Go\tup. ")
    ['Leave now.', 'Go up.']
    """
    seen = (" ".join(line.split()) for line in said.splitlines())
    kept = ("".join(sign for sign in line if _is_shown(sign)).strip() for line in seen)
    return [line for line in kept if line]


def _is_shown(sign: str) -> bool:
    return unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def time_of(written: str, zone: tzinfo) -> datetime:
    """A time in UTC; one without an offset is of the office's own clock.

    Raises:
        BadPayload: it is none.
    """
    if not _TIME.fullmatch(written):
        raise BadPayload(f"want a time like 2026-11-24T10:32:00+09:00, got {written[:40]!r}")
    try:
        at = datetime.fromisoformat(written)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadPayload(f"want a time of the calendar, got {written[:40]!r}") from None
