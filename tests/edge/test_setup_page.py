"""The set-up page as staff use it, in Debian's chromium."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.edge.setting_up import EXAMPLE, SetUp, check, clip_of, noise, site_file, with_snippet

pytestmark = pytest.mark.browser

CORNERS = [(0.1, 0.2), (0.8, 0.25), (0.9, 0.9), (0.15, 0.85)]


class Opened:
    """The page of a set-up whose code was typed, and all that went wrong on it."""

    def __init__(self, page: Page, served: SetUp) -> None:
        self.page, self.served = page, served
        self.errors: list[str] = []
        self.hosts: set[str | None] = set()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        page.goto(served.base)
        page.get_by_label("8けた").fill(served.code)
        page.get_by_role("button", name="開く").click()
        page.wait_for_selector("html[data-ready]", state="attached")
        page.on("console", self._console)

    def _console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.errors.append(said.text)

    def act(self, act: str) -> Locator:
        """A button of the list, by what it does to what."""
        return self.page.locator(f'[data-act="{act}"]')

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A share of the picture as a point of the window."""
        box = self.page.locator("#drawing").bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def press(self, *points: tuple[float, float]) -> None:
        for point in points:
            self.page.mouse.click(*self.place(*point))

    def keys(self, *keys: str) -> None:
        for key in keys:
            name, _, times = key.partition(" x")
            for _ in range(int(times or 1)):
                self.page.keyboard.press(name)

    def saved(self) -> dict[str, Any]:
        """What it says for the site file, which check must accept once the notice is approved."""
        self.page.get_by_role("button", name="保存").click()
        text = self.page.locator("#toml")
        expect(text).to_be_visible()
        snippet = text.input_value()
        site = self.served.folder.parent / "site.toml"
        done = check(with_snippet(site, snippet.replace("# approved", "approved")))
        assert (done.returncode, done.stderr) == (0, ""), snippet
        made: dict[str, Any] = tomllib.loads(snippet)["devices"]["sensors"][0]
        return made


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    clip = clip_of(noise(), tmp_path / "noise.avi")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    with SetUp(site_file(tmp_path, clip)) as served:
        yield Opened(page, served)
    page.close()


def near(drawn: list[list[float]], wanted: list[tuple[float, float]]) -> bool:
    """Whether each corner is where it was wanted, within a pixel of the screen."""
    return len(drawn) == len(wanted) and all(
        abs(a - b) < 0.004
        for p, q in zip(drawn, wanted, strict=True)
        for a, b in zip(p, q, strict=True)
    )


def test_a_zone_drawn_by_mouse_is_counted_and_saved(opened: Opened) -> None:
    opened.act("remove zones/lobby").click()
    opened.act("draw zones/lobby").click()
    opened.press(*CORNERS, CORNERS[0])  # the first one again closes it
    opened.page.get_by_label("体の中心").check()
    expect(opened.page.locator('[data-count="zones/lobby"]')).to_contain_text("いま 0人")
    saved = opened.saved()
    assert saved["zones"][0].keys() == {"zone", "polygon", "anchor"}
    assert (saved["zones"][0]["zone"], saved["zones"][0]["anchor"]) == ("lobby", "centre")
    assert near(saved["zones"][0]["polygon"], CORNERS)
    assert opened.errors == []
    assert opened.hosts == {"127.0.0.1"}


def test_a_zone_can_be_drawn_by_keyboard_alone(opened: Opened) -> None:
    opened.act("remove zones/lobby").focus()
    opened.keys("Enter")
    opened.act("draw zones/lobby").focus()
    opened.keys("Enter")
    expect(opened.page.locator("#drawing")).to_be_focused()  # and the cursor is in the middle
    opened.keys("ArrowLeft x10", "Space", "ArrowRight x20", "Space")
    opened.keys("Shift+ArrowDown x4", "Space", "ArrowLeft x5", "Space", "Backspace", "Enter")
    assert near(opened.saved()["zones"][0]["polygon"], [(0.4, 0.5), (0.6, 0.5), (0.6, 0.7)])


def test_points_can_be_moved_added_and_deleted_by_keyboard(opened: Opened) -> None:
    opened.act("edit zones/lobby").focus()
    opened.keys("Enter")
    corners = opened.page.locator("[data-handle]")
    assert corners.count() == 4, "what the site file has is there to be corrected"
    corners.nth(1).focus()
    opened.keys("ArrowLeft x3", "Shift+ArrowDown")
    expect(corners.nth(1)).to_have_attribute("aria-label", re.compile("横 97%、縦 5%"))
    expect(corners.nth(1)).to_be_focused()
    opened.page.evaluate("document.activeElement.dataset.mine = ''")
    for _ in range(3):  # the third comes when the second has long been painted
        with opened.page.expect_response(lambda r: "/frame/" in r.url and r.status == 200):
            pass
    assert opened.page.evaluate("'mine' in document.activeElement.dataset"), "no frame takes it"
    opened.keys("Insert", "ArrowLeft x2")
    corners.nth(4).focus()
    opened.keys("Delete")
    wanted = [(0.0, 0.0), (0.97, 0.05), (0.965, 0.525), (1.0, 1.0)]
    assert near(opened.saved()["zones"][0]["polygon"], wanted)
    opened.keys("Control+z x30")
    assert opened.saved()["zones"] == [{"zone": "lobby"}], "the whole picture again"


def test_a_corner_is_dragged_by_mouse_and_a_new_one_out_of_a_side(opened: Opened) -> None:
    opened.act("edit zones/lobby").click()
    mouse = opened.page.mouse
    for start, end in [((1, 1), (0.7, 0.8)), ((0.5, 0), (0.5, 0.3))]:
        mouse.move(*opened.place(*start))
        mouse.down()
        mouse.move(*opened.place(*end), steps=4)
        mouse.up()
    wanted = [(0.0, 0.0), (0.5, 0.3), (1.0, 0.0), (0.7, 0.8), (0.0, 1.0)]
    assert near(opened.saved()["zones"][0]["polygon"], wanted)


def test_the_arrow_of_a_line_shows_the_side_that_counts_as_in(opened: Opened) -> None:
    opened.act("draw lines/entrance").click()
    opened.press((0.2, 0.5), (0.8, 0.5))
    expect(opened.page.locator('[data-count="lines/entrance"]')).to_contain_text("入 0・出 0")
    label = opened.page.locator("#drawing .line text", has_text="入 in")
    below = float(label.get_attribute("y") or 0)
    line = opened.saved()["lines"][0]
    assert near([line["from"], line["to"]], [(0.2, 0.5), (0.8, 0.5)])
    opened.act("swap lines/entrance").click()
    assert float(label.get_attribute("y") or 0) < 135 < below, "walking right, right is down"
    line = opened.saved()["lines"][0]
    assert near([line["from"], line["to"]], [(0.8, 0.5), (0.2, 0.5)])


def test_rows_and_slots_of_a_lot_are_drawn(opened: Opened) -> None:
    opened.act("row lots/front").click()
    opened.press((0.1, 0.2), (0.9, 0.2))
    opened.act("slots lots/front/rows/0").fill("12")
    opened.act("slots lots/front/rows/0").press("Enter")
    opened.act("slot lots/front").click()
    opened.press(*CORNERS[1:])
    opened.page.get_by_role("button", name="完了").click()
    expect(opened.page.locator("#drawing .row polygon.over")).to_have_count(12)
    (lot,) = opened.saved()["lots"]
    assert near(lot["slots"][0], CORNERS[1:])
    (row,) = lot["rows"]
    assert (lot["lot"], row["slots"], row["depth"]) == ("front", 12, 0.15)
    assert near([row["from"], row["to"]], [(0.1, 0.2), (0.9, 0.2)])


def test_masks_are_drawn_and_taken_away(opened: Opened) -> None:
    for corners in (CORNERS[:3], CORNERS[1:]):
        opened.act("draw masks").click()
        opened.press(*corners, corners[0])
    opened.act("remove masks/0").click()
    (mask,) = opened.saved()["masks"]
    assert near(mask, CORNERS[1:])


def test_nothing_to_look_at_is_said_and_not_saved(opened: Opened) -> None:
    opened.act("remove zones/lobby").click()
    opened.page.get_by_role("button", name="保存").click()
    expect(opened.page.locator("#mistake")).to_contain_text("want zones, lines or lots")
    expect(opened.page.locator("#toml")).to_be_hidden()
    opened.page.get_by_role("button", name="元に戻す").click()
    expect(opened.page.locator("#mistake")).to_be_empty()
    assert opened.saved()["zones"] == [{"zone": "lobby"}]


def test_the_snippet_can_be_copied_and_downloaded(opened: Opened) -> None:
    opened.saved()
    text = opened.page.locator("#toml").input_value()
    opened.page.get_by_role("button", name="コピー").click()
    expect(opened.page.locator("#copied")).to_contain_text("コピーしました")
    with opened.page.expect_download() as download:
        opened.page.get_by_role("link", name="ダウンロード").click()
    assert download.value.suggested_filename == "cam-lobby.toml"
    assert Path(download.value.path()).read_text(encoding="utf-8") == text


def test_the_page_warns_before_the_end_and_then_shows_no_picture(
    browser: Browser, tmp_path: Path
) -> None:
    clip = clip_of(noise(), tmp_path / "noise.avi")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    with SetUp(site_file(tmp_path, clip), speed=90) as served:
        opened = Opened(page, served)
        expect(page.locator("#alert")).to_contain_text("まもなく自動で終わります", timeout=15_000)
        expect(page.locator("#alert")).to_contain_text("終わりました", timeout=15_000)
        assert opened.errors == [] or all("ERR_CONNECTION" in error for error in opened.errors)
    painted = page.evaluate(
        """() => {
          const { width, height } = document.getElementById("picture");
          const drawn = document.getElementById("picture").getContext("2d");
          return drawn.getImageData(0, 0, width, height).data.some((value) => value > 0);
        }"""
    )
    assert painted is False
    page.close()


@pytest.mark.parametrize("size", [(1280, 800), (1024, 768), (768, 1024), (390, 844)])
def test_targets_are_large_named_and_within_the_page(
    browser: Browser, tmp_path: Path, size: tuple[int, int]
) -> None:
    clip = clip_of(noise(), tmp_path / "noise.avi")
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    with SetUp(site_file(tmp_path, clip)) as served:
        opened = Opened(page, served)
        opened.act("row lots/front").click()
        opened.press((0.1, 0.2), (0.9, 0.2))
        opened.saved()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, a, select, input[type=number]")]
              .filter((each) => each.checkVisibility())
              .filter((each) => each.getBoundingClientRect().height < 48)
              .map((each) => each.outerHTML)"""
        )
        assert small == []
        told = page.locator("body").aria_snapshot()
        controls = re.findall(r"- (?:button|link|textbox|spinbutton|radio)\b(.*)", told)
        assert len(controls) > 20
        assert [each for each in controls if not each.startswith(' "')] == [], "all have names"
    page.close()


def test_every_declared_name_can_be_drawn(opened: Opened) -> None:
    site = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    for kind in ("zones", "lines", "lots"):
        for thing in site[kind]:
            expect(opened.page.get_by_text(thing["name"]["ja"]).first).to_be_visible()
    expect(opened.page.locator("#left")).to_contain_text("残り 15分")
