"""What the pages say of themselves: made for whom, tested how, and what is missing."""

from datetime import date, datetime
from typing import Any

from aiohttp import web

from broker.version import VERSION
from models.site import Site
from signage.pages.page import Page
from signage.wording import Words

STATED = date(2026, 11, 21)
"""When the statement was last held against the pages: whoever changes it changes this."""

_DONE = ("machine", "keys", "heard", "seen")
_LIMITS = ("untried", "names", "elsewhere")


class AccessPage:
    """`/accessibility`: the statement that JIS X 8341-3:2016 and WCAG 2.2 ask for."""

    def __init__(self, site: Site, page: Page) -> None:
        self._site = site
        self._page = page

    async def page(self, request: web.Request) -> web.Response:
        """The statement in the reader's language."""
        return self._page.still("accessibility.html", request, self._statement)

    def _statement(self, words: Words, now: datetime) -> tuple[dict[str, Any], list[datetime]]:
        _ = now
        said = {
            "done": [words(f"access.{key}") for key in _DONE],
            "limits": [words(f"access.{key}") for key in _LIMITS],
            "contact": words.name(self._site.site.contact),
            "stated": words("access.stated", day=words.full_date(STATED), version=VERSION),
        }
        return said, []
