"""What a request says of itself, and how much of that is believed."""

from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from models.errors import BadUsage
from signage.notify.pages import client_of
from signage.spoken import preferred
from signage.staff.words import LANGUAGES

Scheme = Literal["https", "http"]

_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_FORM = "application/x-www-form-urlencoded"
_MOST_BYTES = 64 * 1024
_MOST_FIELDS = 500
_SIGNS = str.maketrans("-.", "xx")


def scheme_of(request: web.Request) -> Scheme | None:
    """How the browser is connected: by TLS that ends at the proxy here, or on this machine itself.

    None is neither. What a request says of itself counts only from the proxy on this machine.
    """
    if request.remote not in _HERE:
        return None
    told = request.headers.getall("X-Forwarded-Proto", [])
    if told:
        return "https" if told == ["https"] else None
    is_proxied = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    try:
        host = urlsplit(f"//{request.host}").hostname
    except ValueError:
        return None
    return "http" if host in _HERE and not is_proxied else None


def is_ours(request: web.Request, scheme: Scheme) -> bool:
    """Whether a page of ours sent a form: browsers say so in two ways, and neither may differ."""
    sites = request.headers.getall("Sec-Fetch-Site", ["same-origin"])
    origins = request.headers.getall("Origin", [])
    return sites == ["same-origin"] and origins == [f"{scheme}://{request.host}"]


async def fields_of(request: web.Request) -> dict[str, str]:
    """The fields of a form; of a name that comes twice the last.

    Raises:
        BadUsage: it is no form, or none that a browser sends.
    """
    if request.content_type != _FORM:
        raise BadUsage(f"want {_FORM}, got {request.content_type[:80]}")
    if (request.content_length or 0) > _MOST_BYTES:
        raise BadUsage(f"want at most {_MOST_BYTES} bytes, got {request.content_length}")
    body = await request.read()
    if len(body) > _MOST_BYTES:
        raise BadUsage(f"want at most {_MOST_BYTES} bytes, got {len(body)}")
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise BadUsage("want the fields of a form, got what no browser sends") from None
    if any("\0" in text for field in fields for text in field):
        raise BadUsage("want the fields of a form, got a zero byte")
    return dict(fields)


def next_of(asked: str) -> str:
    """The page below `/staff` that was asked for before the log-in; else the first.

    >>> next_of("devices/cam-1"), next_of("//evil.example"), next_of("../x"), next_of("")
    ('/devices/cam-1', '', '', '')
    """
    good = asked.isascii() and ".." not in asked
    good = good and all(part.translate(_SIGNS).isalnum() for part in asked.split("/"))
    return f"/{asked}" if good else ""


def source_of(request: web.Request) -> str:
    """From where it comes."""
    return client_of(request) or ""


def language_of(request: web.Request) -> str:
    """In which language somebody reads who is not in."""
    asked = request.query.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return preferred(request.headers.get("Accept-Language", ""), LANGUAGES)
