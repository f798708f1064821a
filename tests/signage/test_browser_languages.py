"""Every language and the longest words, on the page, in Debian's chromium.

Those on displays are in tests/display/test_layout_browser.py.
"""

import math
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from babel.messages.pofile import read_po, write_po
from playwright.sync_api import Browser, Page

from models.site import Site
from signage import wording
from signage.wording import LANGUAGES, catalogue
from tests.browsing import CLIPPED
from tests.signage.office import HandClock, Hub, Served

pytestmark = pytest.mark.browser

SIZES = {"phone": (390, 844), "text": (390, 844), "lobby": (1920, 1080)}
LONGER = 0.4
each_surface = pytest.mark.parametrize("surface", ["phone", "text"])


@pytest.fixture
def everywhere(site: Site) -> Site:
    """The example with every language on its first display."""
    first = msgspec.structs.replace(site.displays[0], languages=LANGUAGES)
    return msgspec.structs.replace(site, displays=(first, *site.displays[1:]))


@pytest.fixture
def page(browser: Browser, surface: str) -> Iterator[Page]:
    width, height = SIZES[surface]
    page = browser.new_page(viewport={"width": width, "height": height})
    yield page
    page.close()


def cut_off(
    site: Site, page: Page, surface: str, state: str, languages: Sequence[str]
) -> dict[str, list[str]]:
    """What is cut off on a surface in a state, by language; empty if nothing is."""
    served = Served(Hub(site, HandClock()))
    try:
        served.do(getattr(served.hub, state))
        found = {language: clipped(page, served, surface, language) for language in languages}
        return {language: cut for language, cut in found.items() if cut}
    finally:
        served.close()


def clipped(page: Page, served: Served, surface: str, language: str) -> list[str]:
    """Open a surface in a language and list what is cut off."""
    base = {"phone": f"{served.base}/", "text": f"{served.base}/text"}.get(surface, served.display)
    page.goto(f"{base}?lang={language}")
    if surface != "text":
        page.wait_for_selector("html[data-ready]", state="attached")
    assert page.get_attribute("html", "lang") == language
    cut: list[str] = page.evaluate(CLIPPED)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        cut.append("the page is wider than the screen")
    return cut


@each_surface
@pytest.mark.parametrize("state", ["busy", "closed", "crowded"])
def test_nothing_is_cut_off_in_any_language(
    everywhere: Site, page: Page, surface: str, state: str
) -> None:
    assert cut_off(everywhere, page, surface, state, LANGUAGES) == {}


def longer(text: str) -> str:
    """Each word longer by 40 %, the gaps as they are.

    >>> longer("Busy: {names}")
    'BusyBu: {names}'
    """

    def grow(word: str) -> str:
        return word + word[: math.ceil(LONGER * len(word))]

    return re.sub(r"\{\w+\}|[^\W\d_]+", lambda m: m[0] if "{" in m[0] else grow(m[0]), text)


@pytest.fixture
def pseudo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Catalogues in which every word of Japanese and English is longer by 40 %."""
    shutil.copytree(wording._LOCALES, tmp_path, dirs_exist_ok=True)
    for language in ("ja", "en"):
        path = tmp_path / language / "LC_MESSAGES" / "machiai.po"
        with path.open("rb") as file:
            messages = read_po(file)
        for message in messages:
            if message.id and not str(message.id).startswith("pattern."):
                said = message.string
                if isinstance(said, str):
                    message.string = longer(said)
                else:
                    message.string = [longer(form) for form in said or ()]
        with path.open("wb") as file:
            write_po(file, messages)
    monkeypatch.setattr(wording, "_LOCALES", tmp_path)
    catalogue.cache_clear()
    yield
    catalogue.cache_clear()


@pytest.mark.usefixtures("pseudo")
@each_surface
@pytest.mark.parametrize("state", ["busy", "closed", "crowded", "stale", "paused"])
def test_nothing_is_cut_off_when_every_word_is_longer_by_two_fifths(
    site: Site, page: Page, surface: str, state: str
) -> None:
    assert catalogue("en")["level.3"] == ("BusyBu",)
    assert cut_off(site, page, surface, state, ("ja", "en")) == {}


@pytest.mark.usefixtures("pseudo")
@pytest.mark.parametrize("surface", ["lobby"])
@pytest.mark.parametrize(("language", "go"), [("ja", "会場へへ"), ("en", "GoG tot: Hall")])
def test_a_call_in_long_words_fits_the_screen(
    served: Served, page: Page, surface: str, language: str, go: str
) -> None:
    served.do(served.hub.busy)
    assert clipped(page, served, surface, language) == []
    served.do(lambda: served.hub.call("A1234", "A123", service="tax-return", counter="c6"))
    said = page.wait_for_selector("#takeover:not([hidden])")
    assert said is not None
    assert go in said.inner_text()
    assert page.evaluate(CLIPPED) == []


@pytest.mark.parametrize(
    ("language", "font"),
    [
        ("ja", "Noto Sans CJK JP"),
        ("ja-Hira", "Noto Sans CJK JP"),
        ("zh-Hans", "Noto Sans CJK SC"),
        ("zh-Hant", "Noto Sans CJK TC"),
        ("ko", "Noto Sans CJK KR"),
    ],
)
@pytest.mark.parametrize("surface", ["phone"])
def test_each_language_is_drawn_in_its_own_glyphs(
    served: Served, page: Page, language: str, font: str
) -> None:
    served.do(served.hub.busy)
    page.goto(f"{served.base}/?lang={language}")
    assert fonts(page, "h1 [data-value]") == {font}
    page.locator("nav summary").click()
    assert "Noto Sans CJK JP" in fonts(page, "nav a[lang=ja]")
    assert fonts(page, "nav a[lang=zh-Hant]") == {"Noto Sans CJK TC"}


def fonts(page: Page, selector: str) -> set[str]:
    """The fonts that the browser really draws an element with."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    query = {"nodeId": root, "selector": selector}
    node = session.send("DOM.querySelector", query)["nodeId"]
    found = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return {font["familyName"] for font in found}


@pytest.mark.parametrize("surface", ["phone"])
def test_plain_japanese_has_its_readings_above_and_in_brackets_for_who_copies_it(
    served: Served, page: Page
) -> None:
    served.do(served.hub.busy)
    page.goto(f"{served.base}/?lang=ja-Hira")
    heading = page.locator("#h-services")
    assert heading.text_content() == "窓口（まどぐち）の こみぐあい"
    base, above = heading.bounding_box(), heading.locator("rt").bounding_box()
    assert base is not None
    assert above is not None
    assert above["y"] < base["y"] + base["height"] / 3
    assert "ruby" not in page.title()
    assert page.title() == "南区役所（みなみくやくしょ）の こみぐあい"
