"""axe-core in a page that forbids foreign scripts: WCAG 2.2 A to AAA, and its good practices."""

from pathlib import Path

from playwright.sync_api import Page, ViewportSize

TAGS = ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = Path(__file__).with_name("axe.js").read_text("utf-8")
_PAPER = "html { background: Canvas }"  # axe-core takes what has no colour for white
_SIZES: dict[bool, ViewportSize] = {
    False: {"width": 390, "height": 844},
    True: {"width": 1920, "height": 1080},
}


def open_page(page: Page, url: str, *, is_display: bool = False) -> None:
    """Show a page as its reader would see it, all that folds open, nothing half faded in."""
    page.set_viewport_size(_SIZES[is_display])
    page.emulate_media(reduced_motion="reduce")
    page.goto(url)
    if page.locator("script[type=module]").count():
        page.wait_for_selector("html[data-ready]", state="attached")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")


def violations(page: Page, axe: str, *, dark: bool) -> list[str]:
    """What axe-core finds on the page as it is shown; with `dark`, its colours by night as well."""
    page.emulate_media(color_scheme="light")
    page.evaluate(axe)
    found: list[str] = page.evaluate(_RUN, {"type": "tag", "values": TAGS})
    if dark:
        page.emulate_media(color_scheme="dark")
        page.add_style_tag(
            content="html { background: Canvas }"
        )  # axe-core takes bare paper for white
        colours = ["color-contrast", "color-contrast-enhanced"]
        found += page.evaluate(_RUN, {"type": "rule", "values": colours})
    return found
