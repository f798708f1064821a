"""Fixtures of staff's pages."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.site import Site, parse
from tests.signage.office import EXAMPLE
from tests.staff.house import StaffHouse


@pytest.fixture(scope="session")
def site() -> Site:
    return parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name, str(EXAMPLE.parent))


@pytest.fixture
def house(site: Site, tmp_path: Path) -> Iterator[StaffHouse]:
    made = StaffHouse(site, tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
