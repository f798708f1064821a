"""The notice of the cameras: a page in each language, and a sheet of A3 for the door.

All that it says of a camera follows from what the site file lets that camera do.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from models.sensing.notice import Notice, contact, notices
from models.site import Line, Lot, Site, Zone
from signage.assets import environment
from signage.cache import Cache
from signage.mirror import Mirror
from signage.pages.page import Page, html
from signage.qr import qr
from signage.wording import Words

_LARGE = ("ja", "ja-Hira", "en")
"""Languages in which a sheet says all; in the others it says what matters and where to read on."""

_COUNTED = {Zone: "cameras.zone", Line: "cameras.line", Lot: "cameras.lot"}


class CameraView(msgspec.Struct, frozen=True, kw_only=True):
    """One device's cameras, in one language."""

    id: str
    name: str
    title: str
    kept: str
    purposes: tuple[str, ...]
    operator: str
    contact: str
    places: tuple[str, ...]
    counted: tuple[str, ...]
    since: str  # empty: it does not count yet


class CamerasPage:
    """`/privacy/cameras`, and `/privacy/cameras/{device}/poster`."""

    def __init__(self, site: Site, mirror: Mirror, cache: Cache, page: Page) -> None:
        """Take the site.

        Raises:
            BadSite: settings of a camera are wrong, with the path.
        """
        self._site = site
        self._mirror = mirror
        self._cache = cache
        self._page = page
        self._notices = notices(site)
        url = site.site.url
        self._address = f"{url.rstrip('/')}/privacy/cameras" if url else ""

    async def page(self, request: web.Request) -> web.Response:
        """All cameras of the office."""
        return self._page.still("cameras.html", request, self._views)

    async def poster(self, request: web.Request) -> web.Response:
        """One device's sheet, in all languages of the site at once."""
        device = request.match_info["device"]
        found = next((n for n in self._notices if n.device.id == device), None)
        if found is None:
            raise web.HTTPNotFound
        language = self._page.language(request)

        def render(now: datetime) -> tuple[bytes, datetime]:
            context = self._page.context(language, now, "/part") | self._sheet(found)
            body = environment().get_template("cameras_poster.html").render(context)
            return body.encode(), context["board"].good_until

        return html(self._cache(("poster", device, language), render).body, self._mirror)

    def _views(self, words: Words, now: datetime) -> tuple[dict[str, Any], list[datetime]]:
        _ = now
        return {"cameras": [view_of(n, self._site, words) for n in self._notices]}, []

    def _sheet(self, notice: Notice) -> dict[str, Any]:
        codes = self._site.site.languages or ("ja",)
        large = [code for code in _LARGE if code in codes] or [codes[0]]
        said = {code: view_of(notice, self._site, self._page.words(code)) for code in codes}
        return {
            "large": [(self._page.words(code), said[code]) for code in large],
            "small": [(self._page.words(code), said[code]) for code in codes if code not in large],
            "is_approved": notice.approved is not None,
            "of_people": notice.of_people,
            "of_cars": notice.of_cars,
            "address": self._address,
            "qr": qr(self._address) if self._address else None,
        }


def view_of(notice: Notice, site: Site, words: Words) -> CameraView:
    """A notice in the words of a language."""
    own, device = site.cameras, notice.device
    since = notice.since if notice.approved is not None else None
    return CameraView(
        id=device.id,
        name=words.name(device.name, device.id),
        title=words(_title(notice)),
        kept=words("cameras.network" if notice.over_network else "cameras.kept"),
        purposes=(words.name(own.purpose),) if own.purpose else tuple(_purposes(notice, words)),
        operator=words.name(own.operator or site.site.name),
        contact=words.name(contact(site), words("unknown")),
        places=tuple(words.name(place.name, place.id) for place in notice.places),
        counted=tuple(_counted(notice, words)),
        since=words.full_date(since) if since else "",
    )


def _title(notice: Notice) -> str:
    if notice.of_people and notice.of_cars:
        return "cameras.both"
    return "cameras.people" if notice.of_people else "cameras.cars"


def _purposes(notice: Notice, words: Words) -> Iterator[str]:
    if notice.of_people:
        yield words("cameras.why_people")
    if notice.of_cars:
        yield words("cameras.why_cars")


def _counted(notice: Notice, words: Words) -> Iterator[str]:
    for place in notice.places:
        yield words(_COUNTED[type(place)], name=words.name(place.name, place.id))
