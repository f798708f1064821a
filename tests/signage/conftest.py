"""Fixtures of what people see."""

from collections.abc import Iterator

import pytest

from models.site import Site, parse
from tests.signage.office import EXAMPLE, HandClock, Hub, Served


@pytest.fixture(scope="session")
def site() -> Site:
    return parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name, str(EXAMPLE.parent))


@pytest.fixture
def hub(site: Site) -> Hub:
    return Hub(site, HandClock())


@pytest.fixture
def served(hub: Hub) -> Iterator[Served]:
    made = Served(hub)
    yield made
    made.close()
