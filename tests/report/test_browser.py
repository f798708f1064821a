"""The report as it is read: on a phone, on a desk, on paper, and by who cannot see it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from machiai import main
from tests.quality import vnu
from tests.quality.axe import open_page, violations
from tests.quality.matrix import program, tool
from tests.report.months import EXAMPLE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

_CHANGE = "2026-10-01"
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_A4_PX = 182 * 96 // 25  # between the margins
_CUT = """() => [...document.querySelectorAll('svg text')].filter((each) => {
  const text = each.getBoundingClientRect();
  const picture = each.closest('svg').getBoundingClientRect();
  return text.left < picture.left - 1 || text.right > picture.right + 1
    || text.top < picture.top - 1 || text.bottom > picture.bottom + 1;
}).map((each) => each.textContent)"""
_ACROSS = """() => [...document.querySelectorAll('svg')].flatMap((picture) => {
  const texts = [...picture.querySelectorAll('text')]
    .map((each) => [each.textContent, each.getBoundingClientRect()]);
  return texts.flatMap(([said, a], i) => texts.slice(i + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1
      && a.top < b.bottom - 4 && b.top < a.bottom - 4)
    .map(([other]) => `${said} × ${other}`));
})"""


@pytest.fixture(scope="module")
def reports(lived: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports")
    done = main(
        ["report", str(EXAMPLE), "--month", "2026-10", "--state", str(lived), "--out", str(out),
         "--since-change", _CHANGE]
    )  # fmt: skip
    assert done == 0
    return out


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(bypass_csp=True)
    yield made
    made.close()


def address(reports: Path, language: str) -> str:
    return (reports / f"minami-2026-10-{language}.html").as_uri()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_axe_finds_nothing(reports: Path, page: Page, language: str) -> None:
    open_page(page, address(reports, language))
    axe = tool("axe-core/axe.min.js").read_text("utf-8")
    assert violations(page, axe, dark=False) == []


def test_it_is_sound_html(reports: Path) -> None:
    jar = tool("vnu-jar/build/dist/vnu.jar")
    said = vnu.check(program("java", "default-jre-headless"), jar, reports)
    assert [str(message) for message in said if message.kind == "error"] == []


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("wide", [320, 390, 1280])
def test_nothing_sticks_out_or_lies_across(
    reports: Path, page: Page, language: str, wide: int
) -> None:
    page.set_viewport_size({"width": wide, "height": 900})
    page.goto(address(reports, language))
    assert page.evaluate(_WIDER) <= 0
    assert page.evaluate(_CUT) == []
    assert page.evaluate(_ACROSS) == []


@pytest.mark.parametrize("language", ["ja", "en"])
def test_it_asks_for_nothing_and_has_no_script(
    reports: Path, browser: Browser, language: str
) -> None:
    page = browser.new_page(java_script_enabled=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address(reports, language))
    assert asked == [address(reports, language)]
    page.close()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_on_a4_no_picture_and_no_table_is_cut(
    reports: Path, page: Page, language: str, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": _A4_PX, "height": 1000})
    page.goto(address(reports, language))
    page.emulate_media(media="print")
    assert page.evaluate(_WIDER) <= 0
    wide = "(all) => all.map((each) => each.getBoundingClientRect().right)"
    assert max(page.eval_on_selector_all("table, svg, figure", wide)) <= _A4_PX + 1
    pdf = page.pdf(format="A4", prefer_css_page_size=True, path=tmp_path / "a.pdf")
    sizes = {
        tuple(map(float, box)) for box in re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    }
    assert len(sizes) == 1
    assert sizes.pop() == pytest.approx((595, 842), abs=1)


def test_the_pdf_is_printed_by_the_command(
    chromium: str, lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chromium
    done = main(
        ["report", str(EXAMPLE), "--month", "2026-10", "--state", str(lived), "--out",
         str(tmp_path), "--lang", "ja", "--pdf"]
    )  # fmt: skip
    assert done == 0
    pdf = (tmp_path / "minami-2026-10-ja.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") >= 4
    assert "minami-2026-10-ja.pdf: written" in capsys.readouterr().out
