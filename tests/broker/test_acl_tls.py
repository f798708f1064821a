"""Who is let in to an office's broker at all, what it survives, and what of ours runs over it."""

import asyncio
import contextlib
import os
import queue
import signal
import socket
import sqlite3
import ssl
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from broker.session import ENVIRONMENT
from tests.broker.conftest import OfficeBroker
from tests.broker.pki import Pki
from tests.broker.test_acl_matrix import BASE, Clients
from tests.broker.test_session import session
from tests.conftest import ROOT

CONNECT = bytes([0x10, 15]) + b"\x00\x04MQTT\x04\x02\x00\x0f\x00\x03hub"
WELCOME = b"\x20\x02\x00\x00"
YESTERYEAR, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


def context_of(
    broker: OfficeBroker, file: str | None = None, pki: Pki | None = None
) -> ssl.SSLContext:
    """TLS as a client of the office has it."""
    context = ssl.create_default_context(cafile=str(broker.pki.folder / "ca.pem"))
    if file is not None:
        folder = (pki or broker.pki).folder
        context.load_cert_chain(folder / f"{file}.pem", folder / f"{file}.key")
    return context


def answer(broker: OfficeBroker, context: ssl.SSLContext | None) -> bytes:
    """What the broker says to an MQTT client; nothing if it hangs up."""
    said = b""
    with (
        contextlib.suppress(ssl.SSLError, ConnectionError),
        socket.create_connection((broker.host, broker.port), timeout=10) as plain,
    ):
        sock = context.wrap_socket(plain, server_hostname=broker.host) if context else plain
        sock.sendall(CONNECT)
        said = sock.recv(100)
    return said


def nobody(broker: OfficeBroker, _: Path) -> ssl.SSLContext:
    return context_of(broker)


def another_authority(broker: OfficeBroker, folder: Path) -> ssl.SSLContext:
    other = Pki(folder / "other")
    return context_of(broker, other.issue("hub"), other)


def signed_by_itself(broker: OfficeBroker, folder: Path) -> ssl.SSLContext:
    other = Pki(folder / "other")
    return context_of(broker, other.itself(), other)


def expired(broker: OfficeBroker, _: Path) -> ssl.SSLContext:
    return context_of(broker, broker.pki.issue("hub", at=YESTERYEAR, file="expired"))


def not_yet(broker: OfficeBroker, _: Path) -> ssl.SSLContext:
    return context_of(broker, broker.pki.issue("hub", at=FUTURE, file="early"))


def a_server(broker: OfficeBroker, _: Path) -> ssl.SSLContext:
    return context_of(broker, broker.pki.issue("hub", file="server", hosts=("localhost",)))


def nameless(broker: OfficeBroker, _: Path) -> ssl.SSLContext:
    return context_of(broker, broker.pki.issue_nameless())


def old_tls(broker: OfficeBroker, _: Path) -> ssl.SSLContext:
    context = context_of(broker, "hub")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def plain(_: OfficeBroker, __: Path) -> None:
    return None


@pytest.mark.parametrize(
    "who",
    [
        nobody,
        another_authority,
        signed_by_itself,
        expired,
        not_yet,
        a_server,
        nameless,
        old_tls,
        plain,
    ],
)
def test_who_is_not_let_in(
    office_broker: OfficeBroker,
    tmp_path: Path,
    who: Callable[[OfficeBroker, Path], ssl.SSLContext | None],
) -> None:
    assert answer(office_broker, context_of(office_broker, "hub")) == WELCOME
    assert WELCOME not in answer(office_broker, who(office_broker, tmp_path))


def test_a_device_cannot_pose_as_the_broker(office_broker: OfficeBroker) -> None:
    pki = office_broker.pki.folder
    impostor = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    impostor.load_cert_chain(pki / "desk.pem", pki / "desk.key")
    ours = context_of(office_broker, "hub")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    server = impostor.wrap_bio(outgoing, incoming, server_side=True)
    with pytest.raises(ssl.SSLCertVerificationError):  # noqa: PT012  a handshake takes turns
        for _ in range(4):
            for side in (client, server):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()


def listening(pid: int) -> set[tuple[str, int]]:
    """The addresses, as the kernel writes them, and ports that a process listens on."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            sockets.add(entry.readlink().name)
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text("ascii").splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in sockets:
                address, _, port = local.partition(":")
                found.add((address, int(port, 16)))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_the_one_port(own_broker: OfficeBroker) -> None:
    assert listening(own_broker.pid) == {("0100007F", own_broker.port)}
    own_broker.kill()
    with socket.create_server((own_broker.host, 0)) as server:
        other = server.getsockname()[1]
    text = own_broker.config.read_text("utf-8")
    first = f"\nlistener {other} 127.0.0.1\nlistener "  # opened before the one that start waits for
    own_broker.config.write_text(text.replace("\nlistener ", first), "utf-8")
    own_broker.start()
    assert len(listening(own_broker.pid)) == 2, "else this test could not see a second one"


async def test_who_is_revoked_is_out_after_a_restart(own_broker: OfficeBroker) -> None:
    async with AsyncExitStack() as stack:
        clients = Clients(own_broker, stack)
        await clients.listening("hub")
        thief, thiefs = await clients("desk")
        gates, _ = await clients("gates")
        assert thief.publish(f"{BASE}/desk/state", b"before")
        await thief.flush()
        assert b"before" in await clients.heard_until_sentinel("hub")
        for name in ("desk", "cam-door"):
            await asyncio.to_thread(own_broker.pki.revoke, name)
        os.kill(own_broker.pid, signal.SIGHUP)
        newcomer = context_of(own_broker, "cam-door")
        async with asyncio.timeout(10):
            while await asyncio.to_thread(answer, own_broker, newcomer) == WELCOME:
                pass
        assert thief.publish(f"{BASE}/desk/state", b"still")
        await thief.flush()
        assert b"still" in await clients.heard_until_sentinel("hub"), "else a reload would do"
        await asyncio.to_thread(own_broker.kill, signal.SIGTERM)
        await asyncio.to_thread(own_broker.start)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await clients.back("hub", "gates", "cam-lobby")
        assert loop.time() - began_s < 5
        await clients.listening("hub")
        assert gates.publish(f"{BASE}/gates/state", b"others")
        await gates.flush()
        await thiefs.connected(up=False)
        assert not thief.publish(f"{BASE}/desk/state", b"after")
        assert b"others" in await clients.heard_until_sentinel("hub")
        assert answer(own_broker, context_of(own_broker, "desk")) == b""
        assert answer(own_broker, context_of(own_broker, "cam-lot")) == WELCOME
        assert not thief.connected


async def test_too_large_a_packet_hurts_nobody_else(office_broker: OfficeBroker) -> None:
    async with AsyncExitStack() as stack:
        clients = Clients(office_broker, stack)
        await clients.listening("hub")
        gates, heard = await clients("gates")
        desk, desks = await clients("desk")
        assert gates.publish(f"{BASE}/gates/state", bytes(200_000))
        await gates.flush()
        assert bytes(200_000) in await clients.heard_until_sentinel("hub")
        gates.publish(f"{BASE}/gates/state", bytes(300_000))
        await heard.connected(up=False)
        assert desk.publish(f"{BASE}/desk/state", b"well")
        await desk.flush()
        payloads = await clients.heard_until_sentinel("hub")
        assert b"well" in payloads
        assert max(map(len, payloads)) < 200_000
        assert desks.connections.empty()
        assert (await clients("hub"))[1].connections.empty()


async def test_nothing_that_waits_is_dropped_in_silence(office_broker: OfficeBroker) -> None:
    """The reader is away; its session is kept. Mosquitto alone would keep 1000 of these."""
    heard: queue.Queue[bytes] = queue.Queue()
    subscribed: queue.Queue[bool] = queue.Queue()
    reader = paho.Client(CallbackAPIVersion.VERSION2, client_id="hub", clean_session=False)
    reader.tls_set_context(context_of(office_broker, "hub"))
    reader.on_connect = lambda client, *_: client.subscribe(f"{BASE}/desk/obs/#", 1)
    reader.on_subscribe = lambda *_: subscribed.put(True)
    reader.on_message = lambda _c, _u, message: heard.put(bytes(message.payload))

    def begin() -> None:
        reader.connect(office_broker.host, office_broker.port)
        reader.loop_start()
        subscribed.get(timeout=10)

    def end() -> None:
        reader.disconnect()
        reader.loop_stop()

    await asyncio.to_thread(begin)
    await asyncio.to_thread(end)
    address = office_broker.address("desk")
    async with session(address, "desk") as (desk, told):
        await told.connected(up=True)
        for n in range(5000):
            assert desk.publish(f"{BASE}/desk/obs/ticket/moving", b"%d" % n)
        await desk.flush(30)
    await asyncio.to_thread(begin)
    payloads = [await asyncio.to_thread(heard.get, timeout=10) for _ in range(5000)]
    await asyncio.to_thread(end)
    assert payloads == [b"%d" % n for n in range(5000)]


async def test_a_hub_and_an_agent_work_over_tls(
    office_broker: OfficeBroker, tmp_path: Path
) -> None:
    """One site file, one folder of certificates; `{id}` gives each process its own."""
    site = tmp_path / "site.toml"
    site.write_text(office_broker.texts[0], "utf-8")
    environment = {name: value for name, value in os.environ.items() if name != ENVIRONMENT}
    outbox = tmp_path / "edge" / "hall" / "outbox.sqlite"
    journal = tmp_path / "hub" / "journal.sqlite"
    commands = [
        ["hub", str(site), "--state", str(journal.parent)],
        [
            "edge",
            str(site),
            "--device",
            "hall",
            "--simulate",
            "1",
            "--state",
            str(tmp_path / "edge"),
        ],
    ]
    processes = []
    try:
        for number, words in enumerate(commands):
            with (tmp_path / f"{number}.log").open("wb") as log:
                command = [sys.executable, "-m", "machiai", *words]
                processes.append(
                    await asyncio.create_subprocess_exec(
                        *command, cwd=ROOT, env=environment, stdout=log, stderr=log
                    )
                )
        async with session(office_broker.address("web"), "web", f"{BASE}/hub/#") as (_, heard):
            async with asyncio.timeout(60):
                while (await heard.messages.get())[0] != f"{BASE}/hub/service/moving":
                    pass
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(acknowledged, journal, outbox):
                await asyncio.sleep(0.05)
    finally:
        for process in processes:
            process.terminate()
        codes = [await process.wait() for process in processes]
    assert codes == [0, 0]
    said = "".join((tmp_path / f"{n}.log").read_text("utf-8") for n in range(2))
    assert f"connected to {office_broker.host}:{office_broker.port}" in said
    assert "Traceback" not in said


def acknowledged(journal: Path, outbox: Path) -> bool:
    """Whether the hub has something of the device, and the device holds nothing any more."""
    asked = [
        (journal, "SELECT count(*) FROM stream WHERE device = 'hall' AND seq > 0"),
        (outbox, "SELECT count(*) = 0 FROM observation"),
    ]
    for path, question in asked:
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
                if not db.execute(question).fetchone()[0]:
                    return False
        except sqlite3.OperationalError:  # not made yet
            return False
    return True
