"""Alerts at an address on the web: one, or a list of them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import msgspec

from edge.alerts.settings import host_of
from edge.alerts.source import Document, Reader
from models.alerts import atom, tree
from models.errors import BadPayload, SensorFailed

if TYPE_CHECKING:
    import aiohttp

_MOST_PAGES = 5
_MOST_AT_ONCE = 100
_LONGEST_WAIT = 64  # polls until an entry that could not be had is asked for again
_MOST_REDIRECTS = 3
_OK, _UNCHANGED = 200, 304
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"User-Agent": "machiai", "Accept-Encoding": "identity"}  # nothing that could unpack


def session(timeout_s: float) -> "aiohttp.ClientSession":
    """What all addresses of one sensor share."""
    import aiohttp  # noqa: PLC0415  only who polls pays for it

    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


class Web:
    """One address: of an alert, or of an Atom list of them with further pages."""

    def __init__(
        self,
        url: str,
        session: "aiohttp.ClientSession",
        seen: dict[str, bool],
        *,
        hosts: Sequence[str] = (),
        once: bool = False,
    ) -> None:
        """Begin with what an earlier run had seen.

        Args:
            url: checked by `host_of`.
            session: whose timeout holds.
            seen: keys of entries that are done; kept up to date.
            hosts: others that a list may point to.
            once: it is history; read to its end it is not asked again.
        """
        self.where = url
        self._session, self._seen, self._once = session, seen, once
        self._hosts = {host_of(url), *hosts}
        self._signs: dict[str, str] = {}
        self._waiting: dict[str, atom.Entry] = {}
        self._late: dict[str, tuple[int, int]] = {}  # tries in vain, and the poll of the next one
        self._polls = 0
        self._is_read = False

    async def changed(self, reader: Reader, now: datetime) -> list[Document | BadPayload]:
        """See `Source`."""
        found: list[Document | BadPayload] = []
        if not (self._once and self._is_read):
            found += await self._list(reader, now)
            self._is_read = True
        self._polls += 1
        due = [key for key in self._waiting if self._polls >= self._late.get(key, (0, 0))[1]]
        for key in due[:_MOST_AT_ONCE]:
            entry = self._waiting[key]
            try:
                body = entry.body or (await self._get(entry.address, {}))[0]
                found.append(Document(key, body))
            except BadPayload as error:
                found.append(error)
                tries, _ = self._late.get(key, (0, 0))
                self._late[key] = tries + 1, self._polls + min(2**tries, _LONGEST_WAIT)
        return found

    def done(self, document: Document) -> None:
        """See `Source`."""
        if self._waiting.pop(document.where, None) is not None:
            self._seen[document.where] = True
            self._late.pop(document.where, None)

    async def _list(self, reader: Reader, now: datetime) -> list[Document | BadPayload]:
        """Note what is new in the list; if it is none, it is the alert itself."""
        listed: dict[str, atom.Entry] = {}
        url, signs = self.where, self._signs
        first: dict[str, str] = {}
        for page in range(_MOST_PAGES):
            try:
                body, signs = await self._get(url, signs)
                if not body:
                    return []
                root = await asyncio.to_thread(tree.parse, body)
                if not atom.is_list(root):
                    self._signs = signs
                    return [Document(url, body)]
                part = atom.read(root)
            except BadPayload as error:
                if page == 0:
                    raise SensorFailed(f"want alerts of {host_of(self.where)}: {error}") from None
                self._note(listed, reader, now)
                return [error]  # without its signs it is read again from its beginning
            first = first or signs
            listed |= {entry.key: _joined(entry, url) for entry in part.entries}
            if not part.next:
                break
            url, signs = _from(url, part.next), {}
        self._note(listed, reader, now)
        for known in (self._seen, self._waiting, self._late):
            for key in known.keys() - listed.keys():
                del known[key]
        self._signs = first
        return []

    def _note(self, listed: dict[str, atom.Entry], reader: Reader, now: datetime) -> None:
        """Let what is new wait until it is had."""
        for key, entry in listed.items():
            if key not in self._seen and (entry.body or reader.wants(entry.address, now)):
                self._waiting[key] = entry

    async def _get(self, url: str, signs: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """The document, empty if it is unchanged, and the signs to ask with the next time.

        Raises:
            BadPayload: no answer, another host's, an error or too much.
        """
        import aiohttp  # noqa: PLC0415

        try:
            for _ in range(1 + _MOST_REDIRECTS):
                if host_of(url) is None or host_of(url) not in self._hosts:
                    raise BadPayload("want https and a host that is named, got another address")
                async with self._session.get(url, headers=signs, allow_redirects=False) as answer:
                    if answer.status not in _REDIRECTS:
                        return await _read(answer, signs)
                    url = urljoin(url, answer.headers.get("Location", ""))
        except (aiohttp.ClientError, TimeoutError, UnicodeError, ValueError) as error:
            if isinstance(error, BadPayload):
                raise
            raise BadPayload(f"want an answer, got {type(error).__name__}") from None
        raise BadPayload(f"want at most {_MOST_REDIRECTS} redirects, got more")


def _joined(entry: atom.Entry, base: str) -> atom.Entry:
    """With its address as it is from that of the list on."""
    return msgspec.structs.replace(entry, address=_from(base, entry.address))


def _from(base: str, address: str) -> str:
    """An address from another one on; what is none is refused when it is asked for."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address


async def _read(
    answer: "aiohttp.ClientResponse", signs: dict[str, str]
) -> tuple[bytes, dict[str, str]]:
    if answer.status == _UNCHANGED and signs:
        return b"", signs
    if answer.status != _OK:
        raise BadPayload(f"want status {_OK}, got {answer.status}")
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > tree.MAX_BYTES:
            raise BadPayload(f"want at most {tree.MAX_BYTES} bytes, got more")
    if not body:
        raise BadPayload("want a document, got nothing")
    asked = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
    return bytes(body), {asked[h]: answer.headers[h] for h in asked if h in answer.headers}
