"""Numbers out of a page that a vendor's queue display publishes, JSON or HTML."""

import codecs
import re
import unicodedata
from functools import cached_property
from typing import Any, get_args

import msgspec

from models.contract.observations import Queue
from models.errors import BadPayload, BadSite
from models.sensing.ticket_lines import Encoding

MAX_BYTES = 1024 * 1024
"""A larger page is refused: it is no queue display."""

_MOST = 1_000_000  # as in the contract
_NUMBER = re.compile(r"[0-9]{1,7}")
_MAX_CALLED = 64


def encoding_of(charset: str | None) -> Encoding:
    """The encoding that a server names, UTF-8 if it names none that we read.

    >>> encoding_of("Windows-31J"), encoding_of("punycode")
    ('cp932', 'utf-8')
    """
    if (charset or "").lower() in {"windows-31j", "x-sjis"}:  # what the web calls it
        return "cp932"
    try:
        name = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return "utf-8"
    known: dict[str, Encoding] = {encoding: encoding for encoding in get_args(Encoding)}
    return known.get(name, "utf-8")


class Page:
    """One page as it came. What cannot be decoded stands as U+FFFD: we look for numbers only."""

    def __init__(self, body: bytes, encoding: Encoding = "utf-8") -> None:
        """Decode the page.

        Raises:
            BadPayload: it is too large.
        """
        if len(body) > MAX_BYTES:
            raise BadPayload(f"want a page of at most {MAX_BYTES} bytes, got a larger one")
        self.text = body.decode(encoding, "replace").removeprefix("\ufeff")

    @cached_property
    def document(self) -> Any:  # noqa: ANN401  any JSON
        """The page as JSON.

        Raises:
            BadPayload: it is not.
        """
        try:
            return msgspec.json.decode(self.text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise BadPayload("want JSON, got something else") from None


class Find:
    """Where a value stands: `/a/0/b` is a JSON pointer (RFC 6901), all else a regular expression.

    The first group of the expression is the value, searched in the page as it came, tags included.
    """

    def __init__(self, written: str, path: str) -> None:
        """Check it.

        Args:
            written: pointer or expression.
            path: of the key in the site file.

        Raises:
            BadSite: with that path.
        """
        self._steps: list[str] = []
        self._pattern: re.Pattern[str] | None = None
        if written.startswith("/"):
            steps = written.split("/")[1:]
            self._steps = [step.replace("~1", "/").replace("~0", "~") for step in steps]
            return
        try:
            self._pattern = re.compile(written)
        except (re.error, RecursionError, OverflowError) as error:
            raise BadSite(f"want a regular expression, got {error} - at `$.{path}`") from None
        if not self._pattern.groups:
            raise BadSite(f"want a group (...) around the value, got none - at `$.{path}`")

    def text(self, page: Page) -> str | None:
        """The value, full-width characters made plain; None if it is not there, null or empty.

        Raises:
            BadPayload: JSON is wanted and the page is none.
        """
        found: Any
        if self._pattern is None:
            found = _pointed(page.document, self._steps)
        else:
            match = self._pattern.search(page.text)
            found = match and match[1]
        if isinstance(found, int) and not isinstance(found, bool) and abs(found) <= _MOST:
            found = str(found)
        if not isinstance(found, str):
            return None
        return unicodedata.normalize("NFKC", found).strip() or None


class QueueRule:
    """Where the numbers of one service stand."""

    def __init__(
        self, service: str, *, waiting: Find, called: Find | None, open_counters: Find | None
    ) -> None:
        self.service = service
        self._waiting = waiting
        self._called = called
        self._open = open_counters

    def read(self, page: Page) -> Queue:
        """What the page says of this service.

        Raises:
            BadPayload: it does not say how many wait, or says something else than a number.
        """
        waiting = self._number(page, self._waiting, "people waiting")
        if waiting is None:
            raise BadPayload(f"want people waiting for {self.service}, got none")
        called = self._called.text(page) if self._called else None
        if called and (len(called) > _MAX_CALLED or not called.isprintable()):
            raise BadPayload(f"want a called number of {self.service}, got something else")
        counters = self._number(page, self._open, "open counters")
        return Queue(waiting=waiting, called=called, open=counters)

    def _number(self, page: Page, find: Find | None, what: str) -> int | None:
        text = find.text(page) if find else None
        if text is None:
            return None
        digits = text.replace(",", "")
        if not _NUMBER.fullmatch(digits) or int(digits) > _MOST:
            raise BadPayload(f"want a number of {what} for {self.service}, got something else")
        return int(digits)


def _pointed(document: Any, steps: list[str]) -> Any:  # noqa: ANN401  any JSON
    """What a JSON pointer points to, None if nothing."""
    for step in steps:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and _NUMBER.fullmatch(step) and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document
