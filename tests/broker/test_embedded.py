import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import embedded
from broker.embedded import Embedded, prepare
from broker.session import ENVIRONMENT, Address, Session, address_of
from models.site import Broker


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Embedded]:
    """Each of the two, started as the demo starts it."""
    if request.param == "amqtt":
        pytest.importorskip("amqtt", reason="amqtt comes with the demo extra")
        monkeypatch.setattr(embedded, "program", lambda _: None)
    elif embedded.program("mosquitto") is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    made = prepare(tmp_path / "broker")
    assert made.name == request.param
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(made.command, stdout=log, stderr=log)
    try:
        yield made
    finally:
        process.kill()
        process.wait()


REFUSED = ("refuses", "lost the broker")
"""What a session says when it is turned away: mosquitto gives a reason, amqtt hangs up."""


async def connects(url: str, caplog: pytest.LogCaptureFixture) -> bool:
    """Whether a session is let in, and hears what it publishes."""
    address = address_in(url)
    heard = asyncio.Event()
    session: Session

    def connected(up: bool) -> None:  # noqa: FBT001
        if up:
            session.publish("x/y", b"1")

    session = Session(
        address,
        "me",
        on_message=lambda *_: heard.set(),
        on_connection=connected,
        subscriptions=["x/#"],
    )
    task = asyncio.create_task(session.run())
    caplog.clear()
    try:
        async with asyncio.timeout(20):
            while not heard.is_set() and not any(word in caplog.text for word in REFUSED):
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        await asyncio.wait([task])
    return heard.is_set()


async def test_only_who_knows_the_password_is_let_in(
    broker: Embedded, caplog: pytest.LogCaptureFixture
) -> None:
    assert await connects(broker.url, caplog)
    for url in (f"mqtt://127.0.0.1:{broker.port}", f"mqtt://demo:guess@127.0.0.1:{broker.port}"):
        assert not await connects(url, caplog)


async def test_it_listens_on_the_loopback_alone(
    broker: Embedded, caplog: pytest.LogCaptureFixture
) -> None:
    assert await connects(broker.url, caplog)
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for host in others - {"127.0.0.1"}:
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.settimeout(1)
            assert sock.connect_ex((str(host), broker.port)) != 0, host


def test_the_secret_is_ours_alone_and_on_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mosquitto", "amqtt"):
        if name == "amqtt":
            monkeypatch.setattr(embedded, "program", lambda _: None)
        folder = tmp_path / name
        made = prepare(folder)
        password = address_in(made.url).password
        assert password is not None
        assert len(password) >= 20
        assert folder.stat().st_mode & 0o077 == 0
        assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
        assert password not in " ".join(made.command)
        assert all(password not in path.read_text() for path in folder.iterdir())


def address_in(url: str) -> Address:
    """The address as a process of the demo finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENT, url)
        return address_of(Broker())
