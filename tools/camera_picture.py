"""Take the picture of docs/camera-setup.md: .venv/bin/python -m tools.camera_picture.

Runs a set-up on the classroom clip of ../shared, draws in it as staff do, and photographs the page.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from edge.cards import DATA
from tools.pictures import CHROMIUM, FLAGS, PICTURES, ROOT

CLIP = DATA / "clips" / "intel_preview_classroom.gif"
ZONE = [(0.06, 0.52), (0.34, 0.42), (0.78, 0.42), (0.83, 0.93), (0.07, 0.93)]
LINE = [(0.19, 0.44), (0.36, 0.44)]
PORT = "8099"
LIVE_MS = 9000


def main() -> int:
    """Photograph it."""
    chromium = next((path for path in CHROMIUM if Path(path).exists()), None)
    if chromium is None or not CLIP.is_file():
        print(f"want {CLIP} and chromium at one of {', '.join(CHROMIUM)}", file=sys.stderr)
        return 66
    text = (ROOT / "ansible/sites/example.toml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site.toml"
        site.write_text(text.replace("/dev/video0", str(CLIP), 1), encoding="utf-8")
        setup = subprocess.Popen(
            [
                *(sys.executable, "-m", "machiai", "edge", str(site), "--device", "cam-lobby"),
                *("--setup", "--host", "127.0.0.1", "--port", PORT),
            ],
            cwd=ROOT,
            env=os.environ,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert setup.stdout is not None  # noqa: S101  it was asked for
            code = next(
                found[0] for line in setup.stdout if (found := re.search(r"\d{4} \d{4}", line))
            )
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(f"http://127.0.0.1:{PORT}/")
                page.fill("#code", code)
                page.click("button")
                page.wait_for_selector("html[data-ready]", state="attached")
                _draw(page)
                page.wait_for_timeout(LIVE_MS)
                page.screenshot(path=PICTURES / "camera-setup.png")
                browser.close()
        finally:
            setup.terminate()
            setup.wait()
    return 0


def _draw(page: Page) -> None:
    page.click('[data-act="remove zones/lobby"]')
    page.click('[data-act="draw lines/entrance"]')
    _press(page, LINE)
    page.click('[data-act="draw zones/lobby"]')
    _press(page, [*ZONE, ZONE[0]])
    page.check('[data-act="centre zones/lobby"]')
    page.evaluate("document.activeElement.blur()")


def _press(page: Page, points: list[tuple[float, float]]) -> None:
    box = page.locator("#drawing").bounding_box()
    assert box is not None  # noqa: S101  the page is ready
    for x, y in points:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


if __name__ == "__main__":
    raise SystemExit(main())
