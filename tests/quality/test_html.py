"""The Nu HTML checker finds no error on any page, in any state, in any language."""

import logging
from pathlib import Path

import pytest

from models.site import Site
from tests.quality import vnu
from tests.quality.houses import STATES
from tests.quality.matrix import houses, program, shown, tool

pytestmark = pytest.mark.timeout(900)

LOG = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def jar() -> Path:
    return tool("vnu-jar/build/dist/vnu.jar")


@pytest.fixture(scope="module")
def java() -> str:
    return program("java", "default-jre-headless")


def test_every_page_is_sound_html(site: Site, java: str, jar: Path, tmp_path: Path) -> None:
    count = 0
    for state in STATES:
        with houses(site, state) as served:
            for one in shown(served, state):
                (tmp_path / f"{one.name}.html").write_text(one.html, "utf-8")
                count += 1
    assert count == len(list(tmp_path.iterdir()))
    said = vnu.check(java, jar, tmp_path)
    for message in said:
        LOG.info("%s: %s", message.kind, message)
    assert [str(message) for message in said if message.kind == "error"] == []


def test_what_is_wrong_is_found(java: str, jar: Path, tmp_path: Path) -> None:
    page = "<!doctype html><html lang=en><title>a</title><p><ul><li>b</ul></p><img src=c>"
    (tmp_path / "bad.html").write_text(page)
    told = " ".join(str(message) for message in vnu.check(java, jar, tmp_path))
    assert "No “p” element in scope" in told
    assert "An “img” element must have an “alt” attribute" in told
