"""A list of alerts: an Atom feed (RFC 4287) whose entries hold them or say where they are."""

from xml.etree import ElementTree as ET

import msgspec

from models.alerts import tree
from models.errors import BadPayload

NAMESPACE = "http://www.w3.org/2005/Atom"

_MOST_ENTRIES = 25_000
_BY_CHOICE = ("application/cap+xml", "application/xml", "text/xml", "")
"""Which of several links leads to the alert; one of another type leads to a page for people."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One alert: itself, or its address as it is written. With news its `key` is another one."""

    key: str
    address: str = ""
    body: bytes = b""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of one page, and the address of the next one."""

    entries: tuple[Entry, ...]
    next: str = ""


def is_list(root: ET.Element) -> bool:
    """Whether a document is a list."""
    return tree.name_of(root) == (NAMESPACE, "feed")


def read(root: ET.Element) -> Listed:
    """A list, from its root.

    Raises:
        BadPayload: it has too many entries.
    """
    entries = tree.children(root, "entry")
    if len(entries) > _MOST_ENTRIES:
        raise BadPayload(f"want at most {_MOST_ENTRIES} entries, got {len(entries)}")
    found = (_entry(entry) for entry in entries)
    more = [link.get("href", "") for link in tree.children(root, "link") if _rel(link) == "next"]
    return Listed(
        entries=tuple(entry for entry in found if entry.address or entry.body),
        next=more[0] if more else "",
    )


def _entry(entry: ET.Element) -> Entry:
    held = _held(entry)
    links = [
        link
        for link in tree.children(entry, "link")
        if _rel(link) in {"alternate", "enclosure"} and _type(link) in _BY_CHOICE
    ]
    links.sort(key=lambda link: _BY_CHOICE.index(_type(link)))
    href = links[0].get("href", "") if links else ""
    name = tree.text(entry, "id") or href
    return Entry(
        key=f"{name} {tree.text(entry, 'updated')}"[:500],
        address="" if held else href,
        body=held,
    )


def _held(entry: ET.Element) -> bytes:
    """The alert inside, as an element or as text with its signs escaped."""
    for content in tree.children(entry, "content"):
        for child in content:
            if tree.name_of(child)[1] in {"alert", "Report"}:
                held: bytes = ET.tostring(child, "utf-8")
                return held
        said = (content.text or "").strip()
        if said.startswith(("<?xml", "<alert", "<cap:alert")):
            return said.encode("utf-8", "replace")
    return b""


def _rel(link: ET.Element) -> str:
    return link.get("rel", "alternate")


def _type(link: ET.Element) -> str:
    return link.get("type", "").partition(";")[0].strip().lower()
