"""The fixtures that all tests trust."""

import signal
import socket
from pathlib import Path

import pytest
from blockbuster import BlockingError

from broker import clock
from tests.conftest import Mosquitto


def accepts(broker: Mosquitto) -> bool:
    try:
        socket.create_connection((broker.host, broker.port), timeout=1).close()
    except OSError:
        return False
    return True


def test_the_broker_comes_back_on_the_same_port(mosquitto: Mosquitto) -> None:
    first = mosquitto.pid
    mosquitto.kill()
    assert not accepts(mosquitto)
    mosquitto.start()
    assert accepts(mosquitto)
    assert mosquitto.pid != first


def test_a_broker_that_ends_in_order_keeps_what_it_holds(mosquitto: Mosquitto) -> None:
    mosquitto.kill(signal.SIGTERM)
    assert mosquitto.config.with_name("mosquitto.db").is_file()


def test_a_broker_that_cannot_run_says_why(tmp_path: Path) -> None:
    broker = Mosquitto("mosquitto", tmp_path)
    broker.config.write_text("nonsense 1\n", encoding="utf-8")
    with pytest.raises((RuntimeError, FileNotFoundError), match=r"nonsense|mosquitto"):
        broker.start()


async def test_our_code_may_not_block_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.ENVIRONMENT, raising=False)
    with pytest.raises(BlockingError):
        clock.boot_id()  # reads a file
