"""Pictures of a report for the documents.

    .venv/bin/python -m tests.report.pictures var/months/minami-2026-10

Takes `<name>-ja.html` and `<name>-en.html`, and writes docs/pictures/report-ja.png and -en.png: as
much of each as one looks at first.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browsing import FLAGS
from tests.conftest import ROOT

_WIDE, _HIGH = 1060, 1520


def main() -> int:
    """Take them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", type=Path, help="of the report, without -ja.html")
    name: Path = parser.parse_args().name.absolute()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": _WIDE, "height": _HIGH})
        for language in ("ja", "en"):
            page.goto(name.with_name(f"{name.name}-{language}.html").as_uri())
            path = ROOT / "docs" / "pictures" / f"report-{language}.png"
            page.screenshot(path=path)
            sys.stdout.write(f"{path}: {path.stat().st_size // 1024} KiB\n")
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
