"""How the desk and its neighbours look: axe finds nothing, and no script is needed."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser

from models.contract.observations import SetCount
from models.site import Site
from tests.quality.axe import violations
from tests.quality.matrix import tool
from tests.signage.office import EXAMPLE
from tests.staff.living import Living, follow
from tests.staff.test_desk import undo_of
from tests.staff.test_notices import NEWS, field, propose

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGES = ("/desk", "/parking", "/parking?check=front&count=1", "/notices", "/notices/preview")
MORE = ("/emergency", "/emergency/preview", "/programme?at=2026-11-24T12:10")


@pytest.fixture
def office(site: Site, tmp_path: Path) -> Iterator[Living]:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "content").symlink_to(EXAMPLE.parent / "example-content")
    made = Living(msgspec.structs.replace(site, folder=str(folder)), tmp_path)
    try:
        yield made
    finally:
        made.close()


def fill(office: Living) -> None:
    """Something of everything: a level that runs out, a pause, notices, proposals."""
    office.see("front", SetCount(count=20, by="gate"))
    chief, clerk = office.client("facility"), office.client("counter")
    chief.post("/desk/level", service="moving", level="4")
    chief.post("/desk/pause", service="insurance", do="pause", minutes="30")
    clerk.post("/desk/text", service="moving", text="0", lasts="60")
    office.pass_(27 * 60)
    chief.post("/parking/set", place="front", of="there", count="23")
    page = follow(chief, chief.post("/notices/draft", **(NEWS | {"severity": "warning"})))
    chief.post("/notices/post", name=field(page.text, "name"))
    chief.post("/notices/draft", **NEWS)
    propose(chief, what="leave")
    office.pass_(1)
    chief.post("/emergency/draft", drill="yes", minutes="30", what="leave")


@pytest.mark.parametrize(("language", "width"), [("ja", 390), ("en", 1280)])
def test_axe_finds_nothing_and_nothing_overflows(
    office: Living, browser: Browser, language: str, width: int
) -> None:
    fill(office)
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    context = browser.new_context(bypass_csp=True, viewport={"width": width, "height": 900})
    office.client("facility").lend(context)
    page = context.new_page()
    found: dict[str, list[str]] = {}
    try:
        for path in (*PAGES, *MORE):
            sign = "&" if "?" in path else "?"
            said = page.goto(f"{office.base}/staff{path}{sign}lang={language}")
            assert said is not None
            assert said.status == 200, path
            page.evaluate(
                "for (const each of document.querySelectorAll('details')) each.open = true"
            )
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            told = violations(page, axe, dark=True)
            if told or wide > 0:
                found[path] = [*told, f"{wide} px too wide"]
    finally:
        context.close()
    assert found == {}


def test_the_desk_works_without_a_script(office: Living, browser: Browser) -> None:
    clerk = office.client("counter")
    context = browser.new_context(java_script_enabled=False)
    clerk.lend(context)
    page = context.new_page()
    try:
        page.goto(f"{office.base}/staff/desk?service=moving&lang=en")
        page.click("button[name=level][value='4']")
        assert page.locator(".said").inner_text() == "Moving: Very busy."
        assert page.locator(".seen [data-value] .chip .word").inner_text() == "Very busy"
        page.click("button:has-text('15 min')")
        assert page.locator(".seen [data-value] .chip .word").inner_text() == "Paused"
        page.click("button:has-text('Undo')")
        assert page.locator(".seen [data-value] .chip .word").inner_text() == "Very busy"
        assert undo_of(page.content()) != ""
    finally:
        context.close()
