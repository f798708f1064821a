"""A short time of the example office, lived once for all tests of a module."""

from datetime import date
from pathlib import Path

import pytest

from broker.hub.hub import JOURNAL
from models.site import Site, parse
from tests.report.months import EXAMPLE, write

DAYS = [date(2026, 9, day) for day in (3, 4, 10, 11)]
DAYS += [date(2026, 10, day) for day in (1, 2, 5, 8, 9)]
_LEARNT_DAYS = 3


@pytest.fixture(scope="session")
def site() -> Site:
    return parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name, str(EXAMPLE.parent))


@pytest.fixture(scope="session")
def lived(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub's state after four days of September and five of October."""
    folder = tmp_path_factory.mktemp("lived")
    write(folder / JOURNAL, site, DAYS, learnt=_LEARNT_DAYS)
    return folder
