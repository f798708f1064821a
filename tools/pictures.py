"""Take the README's pictures from a running demo: make pictures.

Starts `machiai demo` on a free port, waits until the office has lived for a while, and photographs
the lobby display, the phone page and the truth page with chromium. Needs the dev install.
"""

import re
import subprocess
import sys
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


def main() -> int:
    """Photograph everything."""
    chromium = next((path for path in CHROMIUM if Path(path).exists()), None)
    if chromium is None:
        print(f"want chromium at one of {', '.join(CHROMIUM)}", file=sys.stderr)
        return 66
    command = [sys.executable, "-m", "machiai", "demo", "--speed", "40", "--time", "13:40"]
    demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        page, lobby, truth = _addresses(demo)
        print(f"the office lives for {LIVE_S} s ...", flush=True)
        time.sleep(LIVE_S)
        PICTURES.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            _photograph(browser, lobby, "lobby", (1920, 1080))
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
    browser: Browser, url: str, name: str, size: tuple[int, int], *, ready: str = "html[data-ready]"
) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, locale="ja-JP")
    page.goto(url)
    page.wait_for_selector(ready)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    page.close()
    print(f"{path.relative_to(ROOT)} ({path.stat().st_size // 1024} kB)", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
