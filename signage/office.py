"""One office in the web process: what is heard of it, and all that is served of it."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from signage.cache import Cache
from signage.display.emergency import Screen
from signage.display.lobby import Lobby
from signage.feed.documents import Documents
from signage.feed.history import Days
from signage.feed.responses import Handler
from signage.mirror import Mirror
from signage.pages.about import AccessPage
from signage.pages.accuracy import AccuracyPage
from signage.pages.cameras import CamerasPage
from signage.pages.embed import EmbedPage
from signage.pages.guide import GuidePages
from signage.pages.offline import Offline
from signage.pages.outlook import OutlookPage
from signage.pages.page import Page
from signage.pages.paper import PaperPage
from signage.pages.past import PastPage
from signage.pages.ticket_page import TicketPage


class Office:
    """The pages of one office below its root: `/minami`, or nothing where it is the only one."""

    def __init__(
        self,
        mirror: Mirror,
        root: str = "",
        days: Days | None = None,
        others: Sequence[Mirror] = (),
    ) -> None:
        """Take where its past is kept, and the other offices that are served here."""
        self.site = mirror.site
        self.mirror = mirror
        self.root = root
        self.cache = Cache(mirror)
        self.page = Page(self.site, mirror, self.cache, root, others)
        self.documents = Documents(mirror, self.cache, days)
        self._past = PastPage(self.site, mirror, self.page, days)

    def pages(self) -> Mapping[str, Handler]:
        """Who answers at each path below the root: a new page is one line here."""
        site, mirror, page = self.site, self.mirror, self.page
        cameras = CamerasPage(site, mirror, self.cache, page)
        ticket = TicketPage(site, mirror, page)
        embed = EmbedPage(site, mirror, self.cache, page)
        offline = Offline(site, page, self.root)
        made: dict[str, Handler] = {
            "/": page.page,
            "/part": page.part,
            "/text": page.text,
            "/embed": embed.page,
            "/embed/part": embed.part,
            "/print": PaperPage(site, mirror, page).page,
            "/ticket": ticket.page,
            "/ticket/part": ticket.part,
            "/accuracy": AccuracyPage(site, mirror, page).page,
            "/history": self._past.page,
            "/outlook": OutlookPage(site, mirror, page).page,
            "/privacy/cameras": cameras.page,
            "/privacy/cameras/{device}/poster": cameras.poster,
            "/accessibility": AccessPage(site, page).page,
            "/sw.js": offline.worker,
            "/manifest.webmanifest": offline.manifest,
            "/stream": self.documents.stream.handle,
        }
        guide = GuidePages(site, mirror, self.cache, page).routes()
        page.has_guide = bool(guide)
        made |= guide
        for display in site.displays:
            here = f"/lobby/{display.id}"
            made |= Lobby(site, display, mirror, self.cache, here, self.root).routes()
            made |= Screen(site, display, mirror, self.cache, here).routes()
        return made

    def add_to(self, app: web.Application) -> None:
        """Register all pages."""
        for path, handler in self.pages().items():
            app.router.add_get(f"{self.root}{path}", handler)
