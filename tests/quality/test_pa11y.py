"""pa11y with HTML_CodeSniffer, which is not axe-core and finds other things, finds nothing."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from models.site import Site
from tests.browsing import FLAGS
from tests.quality.houses import STATES
from tests.quality.matrix import TOOLS, WHOLE, houses, program, shown, tool

pytestmark = [pytest.mark.browser, pytest.mark.timeout(3600)]

_SCRIPT = Path(__file__).with_name("pa11y.cjs")


def pa11y(chromium: str, urls: Iterable[str]) -> dict[str, list[str]]:
    """What it says of each address."""
    tool("pa11y/package.json")
    node = program("node", "nodejs")
    command = [node, str(_SCRIPT), str(TOOLS), chromium, *FLAGS]
    said = subprocess.run(
        command, check=True, capture_output=True, text=True, input="".join(f"{u}\n" for u in urls)
    )
    return dict(json.loads(line) for line in said.stdout.splitlines())


@pytest.mark.parametrize("state", STATES if WHOLE else ["paused"])
def test_nothing_is_found(site: Site, chromium: str, state: str) -> None:
    with houses(site, state) as served:
        names = {one.url: one.name for one in shown(served, state)}
        found = pa11y(chromium, names)
    assert len(found) == len(names)
    assert {names[url]: told for url, told in found.items() if told} == {}


def test_what_is_wrong_is_found(chromium: str, tmp_path: Path) -> None:
    pale = "<p style='color: #999; background: #fff'>pale"
    page = f"<!doctype html><html lang=en><title>a</title><img src=a.png>{pale}"
    (tmp_path / "bad.html").write_text(page)
    url = (tmp_path / "bad.html").as_uri()
    said = " ".join(pa11y(chromium, [url])[url])
    assert "Img element missing an alt attribute" in said
    assert "1_4_3" in said
