"""What the tests in a browser share: how it is started, and what to look at on a page."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STATES = ("busy", "full", "crowded", "ageing", "stale", "closed", "no_data", "paused")
CLIPPED = Path(__file__).with_name("clipped.js").read_text("utf-8")
"""Lists whatever sticks out of its box, off the page or into its neighbour."""


class Watched:
    """A page, and all that went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.hosts: set[str | None] = set()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))

    def _console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.errors.append(said.text)

    def open(self, url: str) -> Page:
        self.page.goto(url)
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return self.page


def told(row: Locator) -> str:
    """What a row says of now, seen or not: its curve is of the day, and that was so."""
    texts: list[str] = row.locator(":scope > :not(figure)").all_text_contents()
    return " ".join(texts)
