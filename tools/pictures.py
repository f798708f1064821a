"""Take the pictures of README and documents from a running demo: make pictures.

Starts `machiai demo` on a free port, waits until the office has lived for a while, and photographs
the lobby display in its layouts, the phone page and the truth page with chromium. Needs the dev
install.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIVE_S = 100
LAYOUTS = {
    "near": ("panel_px = [1920, 1080]", (1920, 1080)),
    "far": ("reader_m = 10", (1920, 1080)),
    "tall": ("panel_px = [1080, 1920]", (1080, 1920)),
}
"""Screens that the example has not, for docs/display.md: their keys and pixels."""
SMALL = 0.45  # of the size, so that the repository stays small


def main() -> int:
    """Photograph everything."""
    chromium = next((path for path in CHROMIUM if Path(path).exists()), None)
    if chromium is None:
        print(f"want chromium at one of {', '.join(CHROMIUM)}", file=sys.stderr)
        return 66
    with tempfile.TemporaryDirectory(prefix="machiai-pictures-") as folder:
        return _photograph_all(chromium, _site_with_layouts(Path(folder)))


def _site_with_layouts(folder: Path) -> Path:
    """The example, with a display of each layout."""
    shutil.copytree(ROOT / "ansible" / "sites", folder, dirs_exist_ok=True)
    site = folder / "example.toml"
    text = site.read_text("utf-8")
    for name, (keys, _) in LAYOUTS.items():
        shown = 'lots = ["front"]\nzones = ["lobby"]'
        text += f'\n[[displays]]\nid = "{name}"\n{shown}\n{keys}\n'
    site.write_text(text, "utf-8")
    return site


def _photograph_all(chromium: str, site: Path) -> int:
    command = [sys.executable, "-m", "machiai", "demo", "--site", str(site)]
    command += ["--speed", "40", "--time", "13:40"]
    demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        page, lobby, truth = _addresses(demo)
        print(f"the office lives for {LIVE_S} s ...", flush=True)
        time.sleep(LIVE_S)
        PICTURES.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            _photograph(browser, lobby, "lobby", (1920, 1080))
            for name, (_, size) in LAYOUTS.items():
                for tongue in ("ja", "en"):
                    url = f"{page}lobby/{name}?lang={tongue}"
                    named = f"lobby-{name}" if tongue == "ja" else f"lobby-{name}-{tongue}"
                    _photograph(browser, url, named, size, scale=SMALL)
            _photograph(browser, f"{page}?lang=ja", "phone", (390, 844))
            _photograph(browser, f"{page}?lang=en", "phone-en", (390, 844))
            _photograph(browser, truth, "demo", (1100, 900))
            notice = f"{page}privacy/cameras/cam-lobby/poster?lang=ja"
            _photograph(browser, notice, "camera-notice", (1180, 1586), ready="main")
            browser.close()
    finally:
        demo.terminate()
        demo.wait()
    return 0


def _addresses(demo: subprocess.Popen[str]) -> list[str]:
    """What the demo says to open: the page, the lobby, the truth."""
    said = ""
    assert demo.stdout is not None  # noqa: S101  it was asked for
    for line in demo.stdout:
        said += line
        found = re.findall(r"(http://\S+)", said)
        if len(found) >= 3:
            return found[:3]
    raise SystemExit(f"the demo did not start: {said}")


def _photograph(
    browser: Browser,
    url: str,
    name: str,
    size: tuple[int, int],
    *,
    ready: str = "html[data-ready]",
    scale: float = 1.0,
) -> None:
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]}, locale="ja-JP", device_scale_factor=scale
    )
    page.goto(url)
    page.wait_for_selector(ready)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    page.close()
    print(f"{path.relative_to(ROOT)} ({path.stat().st_size // 1024} kB)", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
