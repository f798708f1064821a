"""Without JavaScript every page is complete: all is there to read, every link and form leads on."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urldefrag, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from models.site import Site
from tests.quality.matrix import houses, shown

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PHONE = {"width": 390, "height": 844}
READ = "document.body.innerText.split('\\n').map((line) => line.trim()).filter(Boolean)"
CONTROLS = "button, input:not([type=hidden]), select, summary"
CONTROLLED = f"""[...document.querySelectorAll("{CONTROLS}")]
  .flatMap((e) => (e.labels?.length ? [...e.labels] : [e]))
  .flatMap((e) => e.innerText.split('\\n').map((line) => line.trim()))"""
LINKS = "[...document.querySelectorAll('a[href], link[href], form')].map((e) => e.href ?? e.action)"
SILENT_FORMS = """[...document.forms].filter((form) => !form.querySelector("[type=submit], button"))
  .map((form) => form.outerHTML)"""


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A phone without JavaScript."""
    page = browser.new_page(java_script_enabled=False, viewport=PHONE)  # type: ignore[arg-type]
    yield page
    page.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
    yield page
    page.close()


def test_all_that_is_told_is_told_without_javascript(site: Site, plain: Page, phone: Page) -> None:
    missing, silent, links = {}, {}, set()
    with houses(site, "busy") as served:
        for one in shown(served, "busy"):
            if one.is_display:
                continue  # its pages take turns, and it has a browser of its own
            plain.goto(one.url)
            phone.goto(one.url)
            if phone.locator("script[type=module]").count():
                phone.wait_for_selector("html[data-ready]", state="attached")
            told, controls = phone.evaluate(READ), phone.evaluate(CONTROLLED)
            missing[one.name] = {*told} - {*plain.evaluate(READ)} - {*controls}
            silent[one.name] = plain.evaluate(SILENT_FORMS)
            links |= {urldefrag(link)[0] for link in plain.evaluate(LINKS)}
        hosts = {urlsplit(house.base).netloc for house in served}
        dead = {link: status(link) for link in links if urlsplit(link).netloc in hosts}
    assert {name: lines for name, lines in missing.items() if lines} == {}
    assert {name: forms for name, forms in silent.items() if forms} == {}
    assert {link: said for link, said in dead.items() if said >= 400} == {}
    assert len(dead) > len(missing)


def status(link: str) -> int:
    """What a link leads to; a stream ends as we leave."""
    try:
        with urllib.request.urlopen(link, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_ticket_is_found_by_its_form_without_javascript(site: Site, plain: Page) -> None:
    with houses(site, "busy") as (office, *_):
        plain.goto(f"{office.base}/ticket?lang=en")
        plain.locator("input[name=number]").fill("A127")
        plain.locator("form button").first.click()
        assert "number=A127" in plain.url
        assert "A127" in plain.locator("main").inner_text()
