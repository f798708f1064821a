"""RSS and Atom, read by feedparser: plain text alone comes out, no tag and no script."""

import calendar
import html
import io
import re
from datetime import UTC, datetime
from typing import Any

import feedparser
import msgspec

from models.errors import BadPlaylist

_MOST_SIGNS = 400  # of an entry: a lobby is no place to read more
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_END = re.compile(rb"</(\w+:)?(rss|feed|RDF)\s*>\s*(<!--.*-->\s*)*$", re.DOTALL)
_SPACES = re.compile(r"[\s\x00-\x1f\u2028\u2029]+")


class Entry(msgspec.Struct, frozen=True):
    """One entry. `at` is when it was published, if it says so."""

    title: str
    text: str
    at: datetime | None


class News(msgspec.Struct, frozen=True):
    """A feed: its name, the language that it says it is in (or ""), its entries, newest first."""

    title: str
    language: str
    entries: tuple[Entry, ...]


def read(data: bytes, where: str = "feed") -> News:
    """Read a feed.

    Raises:
        BadPlaylist: it is none, such as the page of an error, or half of one; or it is empty.
    """
    if not _END.search(data[-4096:]):
        raise BadPlaylist(
            f"want a feed of RSS or Atom, got something else or half of one - {where}"
        )
    # feedparser would fetch what looks like an address and open what looks like a file's name.
    parsed = feedparser.parse(io.BytesIO(data), sanitize_html=True, resolve_relative_uris=False)
    entries = [entry for entry in map(_entry, parsed.entries) if entry.title or entry.text]
    if not parsed.get("version") or not entries:
        raise BadPlaylist(f"want a feed of RSS or Atom with entries, got none - {where}")
    entries.sort(key=lambda entry: entry.at.timestamp() if entry.at else 0.0, reverse=True)
    return News(_plain(parsed.feed.get("title")), _language(parsed), tuple(entries))


def _entry(entry: Any) -> Entry:  # noqa: ANN401  feedparser's
    title, text = _plain(entry.get("title")), _plain(entry.get("summary"))
    if len(text) > _MOST_SIGNS:
        text = f"{text[:_MOST_SIGNS].rstrip()}…"
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    at = None
    if moment is not None:
        try:
            at = datetime.fromtimestamp(calendar.timegm(moment), UTC)
        except (ValueError, OverflowError):
            at = None
    return Entry(title, "" if text == title else text, at)


def _language(parsed: Any) -> str:  # noqa: ANN401  feedparser's
    said = str(parsed.feed.get("language") or "")
    return said if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}", said) else ""


def _plain(text: object) -> str:
    """Its words alone, also if its tags were escaped twice."""
    once = html.unescape(_TAGS.sub(" ", str(text or "")))
    return _SPACES.sub(" ", _TAGS.sub(" ", once)).strip()
