"""What a shipper remembers over its own end, and what it does when it cannot."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.hub.history.courses import AGAIN_S, CALM_S
from broker.hub.history.ship import PLACES, Shipper
from models.site import Influx
from tests.broker.shipped import SITE, Filled
from tests.broker.test_influx_server import Server, server
from tests.edge.recording import HandClock

__all__ = ["server"]
ROWS = 2500


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    made = Filled(tmp_path / "journal.sqlite")
    made.write(ROWS)
    yield made
    made.journal.close()


@pytest.fixture
def places(filled: Filled) -> Path:
    return filled.path.parent / PLACES


def ship(filled: Filled, server: Server, bucket: str = "a") -> tuple[int, Shipper]:
    """Until everything is settled, in a fast life; how many points it sent."""
    clock, before = HandClock(), len(server.taken)
    shipper = Shipper(SITE, Influx(url=server.url, bucket=bucket), clock, filled.path)
    for pause_s in (0, AGAIN_S, CALM_S, 15, 15):
        clock.move(pause_s)
        while shipper._turn() < 1:
            pass
    shipper._server.close()
    return len(server.taken) - before, shipper


def test_it_goes_on_where_it_was_and_another_bucket_gets_all(
    filled: Filled, server: Server
) -> None:
    points = 2 * (ROWS + 3) + 2  # with what was told in a slot; at the end a point of each again
    assert ship(filled, server)[0] == points
    assert ship(filled, server)[0] == 0
    filled.write(10)
    assert ship(filled, server)[0] == 2 * 10 + 1
    assert ship(filled, server, "b")[0] == points + 20
    assert ship(filled, server, "b")[0] == 0


def test_a_damaged_place_is_told_and_all_goes_again(
    filled: Filled, server: Server, places: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent, _ = ship(filled, server)
    places.write_bytes(places.read_bytes()[:-9])
    with caplog.at_level(logging.WARNING):
        assert ship(filled, server)[0] == sent
    assert "everything is sent once more" in caplog.text


def test_a_disk_that_refuses_does_not_stop_it(filled: Filled, server: Server, places: Path) -> None:
    places.with_suffix(".part").mkdir()
    sent, shipper = ship(filled, server)
    assert sent == 2 * (ROWS + 3) + 2
    told = shipper.told()
    assert told.why.startswith(f"want to keep in {places} how far it is")
    assert told.waiting == 0


def test_a_server_of_which_people_must_see_to_is_asked_slowly_and_then_gets_all(
    filled: Filled, server: Server
) -> None:
    clock = HandClock()
    shipper = Shipper(SITE, Influx(url=server.url), clock, filled.path)
    server.answer = lambda _: (401, "unauthorized access", {})
    assert [shipper._turn() for _ in range(3)] == [300, 300, 300]
    told = shipper.told()
    assert "got 401" in told.why
    assert (told.waiting, len(server.asked)) == (ROWS, 3)
    server.answer = lambda _: (503, "", {})
    waits = [shipper._turn() for _ in range(9)]
    assert waits[-5:] == [60] * 5
    assert waits == sorted(waits)
    server.answer = lambda _: (204, "", {})
    while shipper._turn() < 1:
        pass
    told = shipper.told()
    assert (told.why, told.waiting, told.lag_s) == ("", 0, 0)
    shipper._server.close()


def test_what_is_refused_is_counted_once(filled: Filled, server: Server) -> None:
    (bad, *_) = sorted(filled.lines())
    server.answer = lambda lines: (400, "bad", {}) if bad in lines else (204, "", {})
    sent, shipper = ship(filled, server)
    assert shipper.told().refused == 1
    assert bad not in server.taken
    assert len(set(server.taken)) >= ROWS - 1
    assert sent > 2 * (ROWS - 1)
    assert ship(filled, server)[1].told().refused == 1, "it is remembered"
