"""One message of the Common Alerting Protocol, 1.1 or 1.2.

Source: OASIS Standard CAP-v1.2, 1 July 2010; CAP-V1.1, October 2005.
"""

import re
from datetime import datetime, tzinfo
from typing import Literal, TypeVar, get_args
from xml.etree import ElementTree as ET

import msgspec

from models.alerts import tree
from models.alerts.area import Area
from models.errors import BadPayload
from models.place import Location

MAX_BYTES = 1024 * 1024
NAMESPACES = ("urn:oasis:names:tc:emergency:cap:1.2", "urn:oasis:names:tc:emergency:cap:1.1")

Status = Literal["Actual", "Exercise", "System", "Test", "Draft"]
Kind = Literal["Alert", "Update", "Cancel", "Ack", "Error"]
Scope = Literal["Public", "Restricted", "Private"]

_MOST_ELEMENTS = 50_000
_MOST_INFOS = 100
_MOST_REFERENCES = 1000
_LONGEST_NAME = 500

_Word = TypeVar("_Word", bound=str)


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of it in one language, for one or more areas; none is everywhere."""

    language: str
    event: str = ""
    category: tuple[str, ...] = ()
    response: tuple[str, ...] = ()
    urgency: str = ""
    severity: str = ""
    certainty: str = ""
    effective: datetime
    expires: datetime | None = None
    sender: str = ""
    headline: str = ""
    description: tuple[str, ...] = ()
    instruction: tuple[str, ...] = ()
    areas: tuple[Area, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `references` are the keys of those that it speaks of."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    kind: Kind
    scope: Scope
    references: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()

    @property
    def key(self) -> str:
        """What it is known by, once in the world."""
        return f"{self.sender},{self.identifier}"


def read(body: bytes, zone: tzinfo) -> Alert:
    """A message from its bytes.

    Args:
        body: the document.
        zone: of times that say no offset, though CAP wants one.

    Raises:
        BadPayload: it is no CAP, or lacks what makes it one.
    """
    return read_element(tree.parse(body, MAX_BYTES, _MOST_ELEMENTS), zone)


def read_element(root: ET.Element, zone: tzinfo) -> Alert:
    """A message from a tree, as it stands in a list.

    Raises:
        BadPayload: see `read`.
    """
    space, name = tree.name_of(root)
    if name != "alert" or space not in NAMESPACES:
        raise BadPayload(f"want an alert of CAP 1.2 or 1.1, got {name[:40]!r} of {space[:60]!r}")
    sender = _needed(root, "sender")
    sent = tree.time_of(tree.text(root, "sent"), zone)
    infos = tree.children(root, "info")
    if len(infos) > _MOST_INFOS:
        raise BadPayload(f"want at most {_MOST_INFOS} blocks of info, got {len(infos)}")
    return Alert(
        identifier=_needed(root, "identifier"),
        sender=sender,
        sent=sent,
        status=_word(root, "status", get_args(Status)),
        kind=_word(root, "msgType", get_args(Kind)),
        scope=_word(root, "scope", get_args(Scope)),
        references=_references(tree.text(root, "references"), sender),
        infos=tuple(_info(info, sent, zone) for info in infos),
    )


def _needed(root: ET.Element, name: str) -> str:
    found = tree.text(root, name)
    if not found or len(found) > _LONGEST_NAME:
        raise BadPayload(f"want 1 to {_LONGEST_NAME} characters of {name}, got {len(found)}")
    return found


def _word(root: ET.Element, name: str, known: tuple[_Word, ...]) -> _Word:
    found = tree.text(root, name)
    for word in known:
        if word == found:
            return word
    raise BadPayload(f"want a {name} of {', '.join(known)}, got {found[:40]!r}")


def _references(said: str, sender: str) -> tuple[str, ...]:
    """Keys out of `sender,identifier,sent` with spaces between; some leave out all but the middle.

    >>> _references("a@b,x,2026-11-24T10:32:00+09:00 y", "c@d")
    ('a@b,x', 'c@d,y')
    """
    keys = []
    for one in said.split()[:_MOST_REFERENCES]:
        by, *middle = one.split(",")
        identifier = ",".join(middle[:-1] if len(middle) > 1 else middle)
        keys.append(f"{by},{identifier}" if middle else f"{sender},{by}")
    return tuple(keys)


def _info(info: ET.Element, sent: datetime, zone: tzinfo) -> Info:
    effective, expires = (tree.text(info, name) for name in ("effective", "expires"))
    said = Info(
        language=tree.text(info, "language"),
        event=tree.text(info, "event"),
        category=_all(info, "category"),
        response=_all(info, "responseType"),
        urgency=tree.text(info, "urgency"),
        severity=tree.text(info, "severity"),
        certainty=tree.text(info, "certainty"),
        effective=tree.time_of(effective, zone) if effective else sent,
        expires=tree.time_of(expires, zone) if expires else None,
        sender=tree.text(info, "senderName"),
        headline=tree.text(info, "headline"),
        description=tuple(tree.lines(info, "description")),
        instruction=tuple(tree.lines(info, "instruction")),
        areas=tuple(_area(area) for area in tree.children(info, "area")),
    )
    return msgspec.structs.replace(said, language=_language(said))


def _all(element: ET.Element, name: str) -> tuple[str, ...]:
    return tuple(" ".join(tree.tidy("".join(e.itertext()))) for e in tree.children(element, name))


# ── languages ────────────────────────────────────────────────────────────────────────────────────

_TAGS = {
    "ja-hira": "ja-Hira",
    "ja": "ja",
    "en": "en",
    "zh-hant": "zh-Hant",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "zh": "zh-Hans",
    "ko": "ko",
    "vi": "vi",
    "pt": "pt-BR",
    "tl": "tl",
    "fil": "tl",
}
"""Ours by how a tag begins; the first that fits."""

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
_KANA = re.compile("[\u3041-\u30ff]")


def _language(info: Info) -> str:
    """Our tag. Without any it is English by the standard, but nobody writes kana in English.

    A language that we have not keeps its own tag.
    """
    tag = info.language.replace("_", "-")
    if not _TAG.fullmatch(tag):
        said = "".join((info.headline, info.event, *info.description))
        return "ja" if _KANA.search(said) else "en"
    lower = f"{tag.lower()}-"
    return next((ours for begins, ours in _TAGS.items() if lower.startswith(f"{begins}-")), tag)


# ── areas ────────────────────────────────────────────────────────────────────────────────────────


def _area(area: ET.Element) -> Area:
    codes = [
        (tree.text(code, "valueName"), tree.text(code, "value"))
        for code in tree.children(area, "geocode")
    ]
    polygons = [_polygon(said) for said in _all(area, "polygon") if said]
    circles = [_circle(said) for said in _all(area, "circle") if said]
    return Area(
        codes=tuple((name, value) for name, value in codes if value),
        polygons=tuple(found for found in polygons if found is not None),
        circles=tuple(found for found in circles if found is not None),
        unread=None in polygons or None in circles,
    )


def _polygon(said: str) -> tuple[Location, ...] | None:
    """Corners out of `lat,lon lat,lon ...`; None if they are none."""
    corners = [_place(pair) for pair in said.split()]
    found = tuple(corner for corner in corners if corner is not None)
    return found if len(found) == len(corners) >= 3 else None  # noqa: PLR2004  a triangle


def _circle(said: str) -> tuple[Location, float] | None:
    """Centre and km out of `lat,lon km`; None if it is none."""
    pair, _, radius = said.partition(" ")
    place, km = _place(pair), _number(radius)
    return (place, km) if place is not None and km is not None and km >= 0 else None


def _place(pair: str) -> Location | None:
    """Longitude first, as we have it; CAP has latitude first."""
    north, _, east = pair.partition(",")
    lat, lon = _number(north), _number(east)
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:  # noqa: PLR2004  degrees
        return None
    return lon, lat


_NUMBER = re.compile(r"[+-]?\d{1,7}(\.\d{0,20})?")


def _number(said: str) -> float | None:
    return float(said) if _NUMBER.fullmatch(said) else None
