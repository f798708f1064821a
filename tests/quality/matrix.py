"""Every public page in every state of the office and every language: what the gates hold up."""

import hashlib
import os
import re
import shutil
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from models.site import Site
from signage.wording import LANGUAGES
from tests.conftest import ROOT
from tests.quality.houses import STATES, House, city, office

TOOLS = ROOT / "var" / "npm" / "node_modules"
"""What tools/npm.sh installs."""

WHOLE = os.environ.get("MACHIAI_MATRIX") == "whole"
"""All gates on each page in each state in each language, as `make quality` has it."""

_VARIES = re.compile(r'\d+|"/notify/(?:confirm|stop)/[^"]+"')


class Shown(msgspec.Struct, frozen=True):
    """One page as it was sent."""

    house: str
    path: str
    state: str
    language: str
    url: str
    html: str

    @property
    def name(self) -> str:
        """As a file is named and a failure told."""
        where = re.sub(r"[^a-z0-9]+", "-", self.path.lower()).strip("-") or "page"
        return f"{self.house}.{where}.{self.state}.{self.language}"

    @property
    def is_display(self) -> bool:
        """Is it for the lobby's screen?"""
        return self.house == "display" or self.path.startswith("/lobby")

    @property
    def skeleton(self) -> str:
        """The same for pages that differ in numbers alone."""
        return hashlib.sha256(_VARIES.sub("0", self.html).encode()).hexdigest()


@contextmanager
def houses(site: Site, state: str) -> Iterator[list[House]]:
    """All that we serve, in a state."""
    with (
        TemporaryDirectory() as folder,
        office(site, Path(folder), state) as two,
        city(state) as town,
    ):
        yield [*two, town]


def shown(houses: Iterable[House], state: str, *, whole: bool = WHOLE) -> Iterator[Shown]:
    """All pages in a state, but of those that differ in numbers alone only one.

    Not `whole`, each is in one language, another for each page and state: over all states there is
    each page with each state, each page in each language and each language in each state.
    """
    seen = set()
    pages = [(house, path) for house in houses for path in house.pages()]
    for turn, (house, path) in enumerate(pages, STATES.index(state)):
        for language in LANGUAGES if whole else [LANGUAGES[turn % len(LANGUAGES)]]:
            url = f"{house.base}{path}{'&' if '?' in path else '?'}lang={language}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                html = answer.read().decode()
            one = Shown(house.name, path, state, language, url, html)
            if one.skeleton not in seen:
                seen.add(one.skeleton)
                yield one


def tool(path: str) -> Path:
    """A file of what tools/npm.sh installs."""
    found = TOOLS / path
    if not found.is_file():
        pytest.skip(f"var/npm has no {path}: sh tools/npm.sh (it needs npm and Java)")
    return found


def program(name: str, package: str) -> str:
    """A program of this machine."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found
