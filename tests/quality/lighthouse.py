"""Lighthouse on every public page behind nginx: `make lighthouse [ARGS="--rounds 1 --only /text"]`.

Each page three times as a phone and three times as a desktop computer; the medians are the table.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from tqdm import tqdm

from models.errors import Unavailable
from models.site import parse
from tests.browsing import FLAGS
from tests.freshness.test_nginx import Front
from tests.quality.houses import House
from tests.quality.matrix import TOOLS, houses
from tests.signage.office import EXAMPLE

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
FORMS = ("mobile", "desktop")
NOT_PUBLIC = ("/lobby/", "/demo", "/notify/confirm", "/notify/stop", "/notify/inbox")
_TRIES = 3
_LONGEST_S = 180


class _Category(msgspec.Struct, frozen=True):
    score: float | None


class _Audit(msgspec.Struct, frozen=True, rename="camel"):
    title: str
    score: float | None
    score_display_mode: str


class _Report(msgspec.Struct, frozen=True):
    categories: dict[str, _Category]
    audits: dict[str, _Audit]


class Found(msgspec.Struct, frozen=True):
    """Scores of 100 by category, and what cost some."""

    scores: tuple[int, ...]
    faults: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality.lighthouse", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", help="a path, as /text; again for more")
    parser.add_argument("--form", choices=FORMS, action="append")
    given = parser.parse_args(arguments)
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if nginx is None or not (TOOLS / "lighthouse").is_dir():
        sys.stderr.write("want nginx and var/npm's lighthouse, got not both: make lighthouse\n")
        return 69
    site = parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name, str(EXAMPLE.parent))
    with houses(site, "busy") as (office, _, city), TemporaryDirectory() as name:
        fronts = []
        for house in (office, city):
            (folder := Path(name) / house.name).mkdir()
            fronts.append((house, Front(nginx, house.base, folder)))
        try:
            jobs = [
                (house, f"{front.url}{path}", path, form)
                for house, front in fronts
                for path in public(house)
                if not given.only or path in given.only
                for form in given.form or FORMS
            ]
            return _measure(jobs, given.rounds)
        finally:
            for _, front in fronts:
                front.end()


def public(house: House) -> list[str]:
    """The pages that residents come to."""
    return [path for path in house.pages() if not path.startswith(NOT_PUBLIC)]


def _measure(jobs: list[tuple[House, str, str, str]], rounds: int) -> int:
    """A line a page as soon as it is known: what stops the rest takes nothing away."""
    below = 0
    with tqdm(total=len(jobs) * rounds, unit=" runs", mininterval=1) as progress:

        def say(line: str) -> None:
            progress.write(line, file=sys.stdout)

        say(f"{'':8}{'':40}{'':8}" + "".join(f"{name:>16}" for name in CATEGORIES))
        for house, url, path, form in jobs:
            named, found = f"{house.name:8}{path:40}{form:8}", []
            for _ in range(rounds):
                progress.set_description(f"{house.name} {path} {form}")
                try:
                    found.append(run(url, form))
                except Unavailable as error:
                    say(f"{'':12}{error}")
                progress.update()
            if not found:
                below += 1
                say(f"{named} not measured")
                continue
            medians = [statistics.median(one.scores[i] for one in found) for i in range(4)]
            say(named + "".join(f"{m:16g}" for m in medians))
            if min(medians) < 100:
                below += 1
                for fault in found[-1].faults:
                    say(f"{'':12}{fault}")
    sys.stdout.write(f"{len(jobs) - below} of {len(jobs)} at 100 throughout\n")
    return 1 if below else 0


def run(url: str, form: str) -> Found:
    """One run. A browser that did not come up is no fault of the page: there is another one.

    Raises:
        Unavailable: Lighthouse cannot run, with the last line that it said.
    """
    command = ["node", str(TOOLS / "lighthouse" / "cli" / "index.js"), url, "--quiet"]
    command += ["--output=json", f"--chrome-flags=--headless=new {' '.join(FLAGS)}"]
    command += [f"--only-categories={','.join(CATEGORIES)}", "--no-enable-error-reporting"]
    if form == "desktop":
        command.append("--preset=desktop")
    if _says_noindex(url):
        command.append("--skip-audits=is-crawlable")  # what is part of others' pages is not for it
    chromium = shutil.which("chromium") or "chromium"
    for _ in range(_TRIES):
        said = subprocess.run(
            command,
            check=False,
            capture_output=True,
            timeout=_LONGEST_S,
            env={**os.environ, "CHROME_PATH": chromium},
        )
        if said.returncode == 0:
            break
    else:
        why = (said.stderr.decode(errors="replace").strip().splitlines() or ["nothing"])[-1]
        raise Unavailable(f"want Lighthouse to run, it said: {why} - {url}")
    report = msgspec.json.decode(said.stdout, type=_Report)
    return Found(
        tuple(round(100 * (report.categories[name].score or 0.0)) for name in CATEGORIES),
        tuple(
            f"{name}: {audit.title} ({audit.score:.2f})"
            for name, audit in report.audits.items()
            if audit.score is not None
            and audit.score < 1
            and audit.score_display_mode in ("binary", "numeric")
        ),
    )


def _says_noindex(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return b'name="robots" content="noindex"' in answer.read()


if __name__ == "__main__":
    raise SystemExit(main())
