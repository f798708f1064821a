"""What lets a phone open the page with no network, and put it on its home screen."""

import hashlib

import msgspec
from aiohttp import web

from models.site import Site
from signage.assets import address, static_files
from signage.pages.page import Page

_NAMED = ("common.css", "page.css", "ticket.css", "page.js", "icon.svg", "icons.svg")
_IMPORTED = ("live.js", "freshness.js", "merge.js", "pins.js", "kept.js")  # without a hash
_ICONS = {"icon-192.png": "192x192", "icon-512.png": "512x512"}
_PAPER = "#f1f3f6"


class Offline:
    """The service worker and the web app manifest of one site."""

    def __init__(self, site: Site, page: Page, root: str = "") -> None:
        """Take where the site's pages begin: the worker answers for nothing beside them."""
        self._site = site
        self._page = page
        self._root = root
        self._worker = _worker(site)

    async def worker(self, request: web.Request) -> web.Response:
        """`/sw.js`: a browser asks for it at each visit, and a changed one takes over."""
        _ = request
        return web.Response(
            body=self._worker,
            content_type="text/javascript",
            charset="utf-8",
            headers={"Cache-Control": "no-cache"},
        )

    async def manifest(self, request: web.Request) -> web.Response:
        """`/manifest.webmanifest`, in the reader's language."""
        language = self._page.language(request)
        words = self._page.words(language)
        name = words.name(self._site.site.name)
        body = {
            "id": f"{self._root}/",
            "start_url": f"{self._root}/?lang={language}",
            "scope": f"{self._root}/",
            "lang": language,
            "name": str(words("page.title", site=name)),
            "short_name": str(name),
            "display": "standalone",
            "background_color": _PAPER,
            "theme_color": _PAPER,
            "icons": [
                {"src": address("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
                *(
                    {"src": address(file), "sizes": size, "purpose": "any maskable"}
                    for file, size in _ICONS.items()
                ),
            ],
        }
        return web.Response(
            body=msgspec.json.encode(body),
            content_type="application/manifest+json",
            headers={"Vary": "Accept-Language", "Cache-Control": "public, max-age=3600"},
        )


def _worker(site: Site) -> bytes:
    """The script, below what it must know. Its version is that of all files that a page needs."""
    files = static_files()
    version = hashlib.sha256("".join(files[n].etag for n in _NAMED + _IMPORTED).encode())
    known = {
        "SITE": site.id,
        "VERSION": version.hexdigest()[:16],
        "FILES": [*map(address, _NAMED), *(f"/static/{name}" for name in _IMPORTED)],
    }
    lines = [f"const {name} = {msgspec.json.encode(it).decode()};" for name, it in known.items()]
    lines.append(f'importScripts("{address("sw-push.js")}");')
    return "\n".join([*lines, files["sw.js"].body.decode()]).encode()
