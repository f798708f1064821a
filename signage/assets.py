"""Templates and static files, read once into memory."""

import gzip
import hashlib
import mimetypes
import re
from functools import cache
from pathlib import Path

import msgspec
from aiohttp import web
from jinja2 import DictLoader, Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from signage.packed import takes_gzip
from signage.stream import milliseconds
from signage.text import marked_up

_HERE = Path(__file__).parent
_DIGITS = re.compile(r"\d[\d～–]*\+?")
_DAY = re.compile(r"\d+月\d+日（[^）]+）|\d+월 \d+일\(.\)|\d+ [A-Z][a-z]+, ")
_PARTICLE = re.compile("」(?=[がはをにでとのも])")
_LONG_NUMBER, _LONG_RANGE = 3, 6  # characters
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"
_REMARKS = re.compile(rb"^\s+|\s*// .*", re.MULTILINE)  # whoever reads a script has its source
_SHORT = "public, max-age=60"  # what modules import has no hash in its address


class Static(msgspec.Struct, frozen=True):
    """One file as it is sent, and compressed if that is shorter."""

    body: bytes
    packed: bytes | None
    content_type: str
    etag: str


@cache
def static_files() -> dict[str, Static]:
    """All of static/, by name."""
    return {path.name: _static(path) for path in sorted((_HERE / "static").iterdir())}


def _static(path: Path) -> Static:
    body = path.read_bytes()
    if path.suffix == ".js":
        body = _REMARKS.sub(b"", body)
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    packed = gzip.compress(body, mtime=0)
    return Static(
        body,
        packed if len(packed) < len(body) else None,
        kind or "application/octet-stream",
        hashlib.sha256(body).hexdigest()[:16],
    )


def address(name: str) -> str:
    """Where a static file is served; a new content has a new address."""
    return f"/static/{name}?v={static_files()[name].etag}"


async def serve(request: web.Request) -> web.Response:
    """A static file, by `/static/{name}`."""
    found = static_files().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    headers = {
        "ETag": f'W/"{found.etag}"',
        "Cache-Control": _FOREVER if request.query.get("v") == found.etag else _SHORT,
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    body = found.body
    if found.packed is not None:
        headers["Vary"] = "Accept-Encoding"
        if takes_gzip(request):
            headers["Content-Encoding"] = "gzip"
            body = found.packed
    return web.Response(
        body=body, content_type=found.content_type, charset="utf-8", headers=headers
    )


class _MarkedUp(Template):
    """A template whose texts get their `lang` and ruby once it is rendered."""

    def render(self, *args: object, **kwargs: object) -> str:
        return marked_up(super().render(*args, **kwargs))


@cache
def environment() -> Environment:
    """The templates, all loaded: a request never waits for the disk."""
    sources = {path.name: path.read_text("utf-8") for path in (_HERE / "templates").iterdir()}
    made = Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.template_class = _MarkedUp
    made.filters["big"] = big
    made.filters["whole"] = whole
    made.filters["ms"] = milliseconds
    made.globals["static"] = address
    for name in sources:
        made.get_template(name)
    return made


def big(text: str) -> Markup:
    """The numbers of a text marked, so that they can be larger than its units.

    >>> big("約20分")
    Markup('約<span class="digits">20</span>分')
    """
    return Markup(_DIGITS.sub(_marked, str(escape(text))))  # noqa: S704  escaped


def _marked(number: re.Match[str]) -> str:
    """Long ones are marked as such: 120 people, 30～120 minutes."""
    said = number[0]
    is_long = len(said) >= (_LONG_NUMBER if said.isdigit() else _LONG_RANGE)
    return f'<span class="digits{" tight" if is_long else ""}">{said}</span>'


def whole(text: str) -> Markup:
    """What a line should not break, held together: dates, and 「…」 with the particle behind it."""
    said = _PARTICLE.sub("」\u2060", str(escape(text)))
    return Markup(_DAY.sub(r'<span class="whole">\g<0></span>', said))  # noqa: S704  escaped
