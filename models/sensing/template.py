"""Patterns that anybody can write: a text with places in it, `待ち人数 {waiting}人`.

They are made into regular expressions that never go back over what they have matched (possessive
and atomic groups), and nothing in them repeats without a bound: whatever a page or a line holds,
each sign of it costs a bounded number of steps.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

from models.errors import BadSite

LONGEST = 300
"""Signs of a template; a longer one is no pattern but a page."""

NUMBER = r"(?<![0-9.,−-])(?>[0-9]{1,3}(?:,[0-9]{3}){1,2}|[0-9]{1,7})(?![.,-]?[0-9])"
"""A whole number: of 1.5, -3 or 10:21 no part is one that could be meant."""

_KANA = r"(?:(?<![ぁ-ゖァ-ヺ一-鿿])[ぁ-ゖァ-ヺ])"
NOTHING = r"(?>[-‐‑–—―ー─*・]{1,8}|なし)"
"""What a page shows where there is no number."""

TICKET = rf"(?>(?:[A-Za-z]{{1,4}}|{_KANA})?-?[0-9]{{1,6}}(?:-[0-9]{{1,6}})?)(?![0-9])"
"""A number on a ticket: 12, A012, あ12, C-105, 12-034."""

_TIME = (
    r"(?<![0-9:])(?>(?:[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?\s?)?"
    r"(?:[01]?[0-9]|2[0-3])[:時][0-5]?[0-9](?:[:分][0-5]?[0-9])?[分秒]?)(?![0-9:])"
)
_PAGE: dict[str, str] = {
    "time": _TIME,
    "waiting": NUMBER,
    "open": NUMBER,
    "called": rf"(?>{TICKET}|{NOTHING})",
}
_SKIPS: dict[str, str] = {"{any}": r"\S{1,20}?", "*": r"[^\n]{0,80}?"}
_WORD = r"\S{1,20}+"
_MOST_SKIPS = 4
_AT = (
    r"(?>[0-9]{2,4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?[ T]?[0-9]{1,2}[:時][0-9]{1,2}"
    r"(?:[:分][0-9]{1,2}(?:[.,][0-9]{1,6})?)?[秒分]?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"|[0-9]{8}[ T]?[0-9]{6})"
)
_PLACE = re.compile(r"\{[a-z_]{1,20}\}|\*")
_SPACE = re.compile(r"\s+")
_NOT_A_GAP = r"\s?+"


def spaced(text: str) -> str:
    r"""A text as patterns see it: full width made plain, of each gap one space or one line end.

    >>> spaced("待ち　１２ 人 \n\n  呼出")
    '待ち 12 人\n呼出'
    """
    plain = unicodedata.normalize("NFKC", text)
    return _SPACE.sub(lambda gap: "\n" if "\n" in gap[0] else " ", plain).strip()


def page_pattern(template: str, wanted: str, path: str) -> re.Pattern[str]:
    """A template for a page, `wanted` being the group of what it reads.

    Spaces and line ends count for nothing, except that `*` stays in one line.

    Raises:
        BadSite: with the path in the site file.
    """
    parts = [part for part in _parts(spaced(template), {*_PAGE, "any"}, path) if part[0].strip()]
    _check([part for part, is_place in parts if is_place], wanted, template, path)
    if all(is_place for _, is_place in parts):
        raise BadSite(f"want words around {{{wanted}}}, got none - at `$.{path}`")
    while parts[-1][0] in _SKIPS:
        parts.pop()
    while parts[0][0] in _SKIPS:
        parts.pop(0)
    made = ""
    skip = ""
    for part, is_place in parts:
        if part in _SKIPS and is_place:
            if skip == part == "{any}":
                made += _NOT_A_GAP + _WORD
            elif skip:
                raise BadSite(f"want words between * and {{any}}, got none - at `$.{path}`")
            skip = part
            continue
        name = part.strip("{}")
        one = _literal(part) if not is_place else _PAGE[name]
        if is_place and name == wanted:
            one = f"({one})"
        made += (
            f"(?>{_NOT_A_GAP}{_SKIPS[skip]}{_NOT_A_GAP}{one})"
            if skip
            else _NOT_A_GAP * bool(made) + one
        )
        skip = ""
    return re.compile(made)


def _check(places: Sequence[str], wanted: str, template: str, path: str) -> None:
    if places.count(f"{{{wanted}}}") != 1:
        raise BadSite(f"want {{{wanted}}} once in {template!r} - at `$.{path}`")
    if sum(place in _SKIPS for place in places) > _MOST_SKIPS:
        raise BadSite(f"want at most {_MOST_SKIPS} of * and {{any}}, got more - at `$.{path}`")


def line_pattern(template: str, places: Collection[str], path: str) -> str:
    """A regular expression for a whole line in which each place goes up to the sign behind it.

    A place with another right behind it is letters: `{service}{number}` is A and 12 of A12.

    Raises:
        BadSite: with the path in the site file.
    """
    parts = list(_parts(_SPACE.sub(" ", template).strip(), {*places, "any"}, path))
    made = ""
    seen: set[str] = set()
    for i, (part, is_place) in enumerate(parts):
        if not is_place:
            made += r"\s++".join(map(re.escape, _SPACE.split(part)))
            continue
        name = part.strip("{}")
        if name == "*" or name in seen:
            raise BadSite(f"want each place once and {{any}} for *, got {part} - at `$.{path}`")
        seen |= {name} - {"any"}
        one = _AT if name == "at" else _up_to(parts[i + 1 : i + 2])
        made += one if name == "any" else f"(?P<{name}>{one})"
    return rf"^\s*+{made}\s*+$"


def _up_to(following: Sequence[tuple[str, bool]]) -> str:
    """What a place of a line may be, by what stands behind it."""
    if not following:
        return r"\S{0,64}+"
    (part, is_place), *_ = following
    if is_place:
        return r"[^\W\d_]{1,16}+"
    return r"\S{0,64}+" if part[0].isspace() else rf"[^{re.escape(part[0])}]{{0,64}}+"


def is_template(pattern: str, places: Collection[str]) -> bool:
    """Whether a pattern is one of ours, and no regular expression."""
    return any(f"{{{name}}}" in pattern for name in places)


def _parts(template: str, known: set[str], path: str) -> Iterator[tuple[str, bool]]:
    """Words and places in their order, each with whether it is a place."""
    if len(template) > LONGEST:
        raise BadSite(f"want at most {LONGEST} signs, got {len(template)} - at `$.{path}`")
    end = 0
    for found in _PLACE.finditer(template):
        if found[0] != "*" and found[0].strip("{}") not in known:
            listed = ", ".join(f"{{{name}}}" for name in sorted(known))
            raise BadSite(f"want {listed}, got {found[0]} - at `$.{path}`")
        if words := template[end : found.start()]:
            yield words, False
        yield found[0], True
        end = found.end()
    if words := template[end:]:
        yield words, False


def _literal(words: str) -> str:
    """The words, whatever gaps there are in them."""
    return _NOT_A_GAP.join(re.escape(sign) for sign in words if not sign.isspace())
