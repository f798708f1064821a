"""Who may do what at an office's broker: judged at the receiver, with a sentinel."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from broker.session import Session
from tests.broker.conftest import EXAMPLE, OfficeBroker
from tests.broker.test_session import Heard, cut, session

Client = tuple[Session, Heard]

BASE = "machiai/v1/minami"


class Case(NamedTuple):
    """Somebody publishes on a topic: does it arrive?"""

    sender: str
    topic: str
    receiver: str
    arrives: bool
    why: str


MAY = [
    Case(sender, topic, receiver, True, why)
    for sender, topic, receiver, why in [
        ("desk", "desk/obs/ticket/certificates", "hub", "an observation"),
        ("desk", "desk/obs/ticket/mynumber", "hub", "another service of the same machine"),
        ("desk", "desk/obs/ticket/renamed", "hub", "what its outbox holds of an older site file"),
        ("gates", "gates/obs/pulse/front-in", "hub", "a pulse"),
        ("cam-door", "cam-door/obs/crossing/entrance", "hub", "a crossing"),
        ("cam-lot", "cam-lot/obs/cars/front", "hub", "cars"),
        ("hall", "hall/obs/press/next-c6", "hub", "a press"),
        ("desk", "desk/obs/beat/all", "hub", "a beat"),
        ("desk", "desk/obs/skip/all", "hub", "a skip"),
        ("desk", "desk/obs/gap/moving", "hub", "a gap of its own sensor"),
        ("desk", "desk/state", "hub", "its state"),
        ("desk", "desk/about", "hub", "what it is"),
        ("desk", "desk/health", "hub", "its health"),
        ("web", "web/obs/level/moving", "hub", "a level set by staff"),
        ("web", "web/obs/pause/moving", "hub", "a pause by staff"),
        ("web", "web/obs/set/front", "hub", "cars counted by hand"),
        ("web", "web/obs/counter/c1", "hub", "a counter opened by staff"),
        ("web", "web/obs/notice/flood", "hub", "a notice of staff"),
        ("notice", "notice/obs/notice/flood", "hub", "a notice of staff at a shell"),
        ("notice", "notice/about", "hub", "what a shell's outbox holds"),
        ("hub", "notice/ack", "notice", "a shell's ack"),
        ("hub", "hub/proposal/flood", "notice", "what waits to be confirmed"),
        ("lobby-1", "lobby-1/obs/notice/flood", "hub", "an emergency by a screen's own switch"),
        ("lobby-1", "lobby-1/obs/beat/all", "hub", "a screen's beat"),
        ("lobby-1", "lobby-1/obs/skip/all", "hub", "a screen's skip"),
        ("lobby-1", "lobby-1/obs/gap/flood", "hub", "a gap of its switch"),
        ("lobby-1", "lobby-1/state", "hub", "a screen's state"),
        ("lobby-1", "lobby-1/about", "hub", "what a screen is"),
        ("lobby-1", "lobby-1/health", "hub", "a screen's health"),
        ("lobby-1", "lobby-1/screen", "hub", "what a screen paints"),
        ("hub", "lobby-1/ack", "lobby-1", "a screen's ack"),
        ("hub", "lobby-1/cmd/reload", "lobby-1", "a command to a screen"),
        ("hub", "desk/ack", "desk", "an ack"),
        ("hub", "web/ack", "web", "the web's ack"),
        ("hub", "desk/cmd/identify", "desk", "a command"),
        ("hub", "hub/service/moving", "web", "a result for the page"),
        ("hub", "hub/service/moving", "lobby-1", "a result for a screen"),
        ("hub", "hub/lot/front", "hub", "what it said before it was restarted"),
        ("hub", "hub/call", "hall-1", "a call"),
        ("hub", "hub/forecast/service/moving", "web", "a forecast"),
    ]
]

MAY_NOT = [
    Case(sender, topic, receiver, False, why)
    for sender, topic, receiver, why in [
        ("desk", "cam-lobby/obs/people/lobby", "hub", "another's observation"),
        ("desk", "gates/obs/pulse/front-in", "hub", "another's pulse"),
        ("desk", "web/obs/level/moving", "hub", "what staff enter"),
        ("desk", "desk/obs/ticket/moving/more", "hub", "a level too many"),
        ("gates", "gates/obs/set/front", "hub", "what is counted by hand"),
        ("desk", "desk/obs/level/moving", "hub", "what staff set"),
        ("desk", "desk/obs/counter/c1", "hub", "a counter that staff open"),
        ("desk", "desk/obs/pause/moving", "hub", "what staff pause"),
        ("cam-lobby", "cam-lobby/obs/notice/flood", "hub", "an emergency of staff"),
        ("desk", "desk/obs/made-up/moving", "hub", "a kind that is not"),
        ("web", "web/obs/pulse/front-in", "hub", "what only a sensor sees"),
        ("desk", "gates/state", "hub", "another's state"),
        ("desk", "gates/about", "hub", "what another is"),
        ("desk", "gates/health", "hub", "another's health"),
        ("desk", "desk/ack", "desk", "its own ack: its outbox would forget"),
        ("desk", "gates/ack", "gates", "another's ack"),
        ("desk", "desk/cmd/reset", "desk", "a command to itself"),
        ("desk", "gates/cmd/reset", "gates", "a command to another"),
        ("desk", "hub/service/moving", "web", "a result on the page"),
        ("desk", "hub/service/moving", "lobby-1", "a result on a screen"),
        ("desk", "hub/state", "lobby-1", "the hub's death"),
        ("desk", "hub/notice/flood", "hall-1", "an emergency"),
        ("web", "hub/notice/flood", "lobby-1", "a result without the hub"),
        ("web", "web/obs/people/lobby", "hub", "what staff do not enter"),
        ("web", "desk/obs/ticket/moving", "hub", "a device's observation"),
        ("web", "web/ack", "web", "its own ack"),
        ("web", "desk/ack", "desk", "a device's ack"),
        ("web", "desk/cmd/reset", "desk", "a command"),
        ("notice", "notice/obs/level/moving", "hub", "a shell puts up notices and nothing else"),
        ("notice", "web/obs/notice/flood", "hub", "a notice of the web's by a shell"),
        ("notice", "hub/notice/flood", "lobby-1", "a result by a shell"),
        ("web", "notice/obs/notice/flood", "hub", "a shell's notice by the web"),
        ("lobby-1", "hub/notice/flood", "web", "an emergency by a screen"),
        ("lobby-1", "lobby-1/obs/people/lobby", "hub", "what only a sensor sees, by a screen"),
        ("lobby-1", "lobby-1/obs/level/moving", "hub", "what staff set, by a screen"),
        ("lobby-1", "lobby-1/obs/notice/flood/more", "hub", "a level too many by a screen"),
        ("lobby-1", "lobby-1/screen/more", "hub", "a level too many of what it paints"),
        ("lobby-1", "desk/obs/ticket/moving", "hub", "an observation by a screen"),
        ("lobby-1", "web/obs/notice/flood", "hub", "a notice of staff by a screen"),
        ("lobby-1", "hall-1/obs/notice/flood", "hub", "another screen's notice"),
        ("lobby-1", "hall-1/state", "hub", "another screen's state"),
        ("lobby-1", "hall-1/screen", "hub", "what another screen paints"),
        ("lobby-1", "lobby-1/ack", "lobby-1", "its own ack by a screen"),
        ("lobby-1", "lobby-1/cmd/reload", "lobby-1", "a command of a screen to itself"),
        ("lobby-1", "desk/cmd/reset", "desk", "a command by a screen"),
        ("lobby-1", "hall-1/cmd/reload", "hall-1", "a command to another screen"),
        ("desk", "lobby-1/obs/notice/flood", "hub", "a screen's notice by a device"),
        ("desk", "lobby-1/cmd/reload", "lobby-1", "a command to a screen by a device"),
        ("desk", "desk/screen", "hub", "a device that is no screen"),
        ("web", "lobby-1/cmd/reload", "lobby-1", "a command to a screen by the web"),
        ("desk", "desk/health", "web", "a device's health where no staff watch it"),
        ("desk", "desk/state", "web", "a device's state where no staff watch it"),
        ("lobby-1", "lobby-1/screen", "web", "a screen where no staff watch it"),
        ("hub", "hall-1/cmd/reload", "lobby-1", "reading another screen's commands"),
        ("hub", "hall-1/ack", "lobby-1", "reading another screen's ack"),
        ("hub", "lobby-1/screen", "hub", "nor what a screen paints"),
        ("hub", "desk/obs/ticket/moving", "hub", "even the hub makes up no observation"),
        ("hub", "desk/state", "hub", "nor a device's state"),
        ("hub", "gates/cmd/reset", "desk", "reading another's commands"),
        ("hub", "gates/ack", "desk", "reading another's ack"),
        ("hub", "web/ack", "lobby-1", "a screen reading acks"),
        ("hub", "hub/service/moving", "desk", "a device reading results"),
        ("desk", "desk/obs/ticket/moving", "gates", "a device reading observations"),
        ("desk", "desk/obs/ticket/moving", "web", "the web reading observations"),
        ("desk", "desk/obs/ticket/moving", "lobby-1", "a screen reading observations"),
        ("desk", "desk/obs/ticket/moving", "desk", "reading back its own"),
        ("desk", "desk/health", "lobby-1", "a screen reading health"),
        ("hub", "kita/hub/state", "hub", "below a device that is not"),
    ]
]

STAFF_MAY = [
    Case(sender, topic, receiver, True, why)
    for sender, topic, receiver, why in [
        ("desk", "desk/state", "web", "is it there?"),
        ("desk", "desk/about", "web", "what it is"),
        ("desk", "desk/health", "web", "how it feels"),
        ("lobby-1", "lobby-1/state", "web", "is a screen there?"),
        ("lobby-1", "lobby-1/screen", "web", "what a screen paints"),
        ("web", "desk/cmd/identify", "desk", "which one is it?"),
        ("web", "lobby-1/cmd/identify", "lobby-1", "which screen is it?"),
        ("web", "lobby-1/cmd/reload", "lobby-1", "load its page anew"),
        ("web", "lobby-1/cmd/restart", "lobby-1", "start its browser anew"),
    ]
]

STAFF_MAY_NOT = [
    Case(sender, topic, receiver, False, why)
    for sender, topic, receiver, why in [
        ("web", "desk/cmd/reset", "desk", "what staff have no button for"),
        ("web", "desk/cmd/restart", "desk", "a screen's command to a device"),
        ("web", "lobby-1/cmd/screenshot", "lobby-1", "a picture of a screen"),
        ("web", "desk/state", "hub", "a device's state by who watches it"),
        ("web", "lobby-1/screen", "hub", "what a screen paints by who watches it"),
        ("web", "desk/ack", "desk", "a device's ack by who watches it"),
        ("desk", "desk/obs/ticket/moving", "web", "observations, not even where staff watch"),
        ("hub", "desk/ack", "web", "nor what is acknowledged"),
        ("hub", "lobby-1/cmd/reload", "web", "nor what others tell a screen"),
        ("desk", "desk/health", "lobby-1", "a screen never watches"),
        ("desk", "desk/health", "notice", "nor does a shell"),
    ]
]


class Clients:
    """Sessions by the name of their certificate, each subscribed to everything."""

    def __init__(self, broker: OfficeBroker, stack: AsyncExitStack) -> None:
        self._broker = broker
        self._stack = stack
        self._made: dict[str, Client] = {}

    async def __call__(self, name: str) -> Client:
        """The session of this name, connected."""
        if name not in self._made:
            made = session(self._broker.address(name), name, "#", "$SYS/#")
            self._made[name] = await self._stack.enter_async_context(made)
            await self._made[name][1].connected(up=True)
        return self._made[name]

    async def back(self, *names: str) -> None:
        """Wait until they have lost the broker and found it again."""
        for name in names:
            _, heard = await self(name)
            await heard.connected(up=False)
            await heard.connected(up=True)

    async def sentinel(self, receiver: str, payload: bytes) -> None:
        """Send what the receiver may hear."""
        if receiver == "hub":
            sender, topic = "cam-lobby", "cam-lobby/state"
        else:
            sender = "hub"
            topic = "hub/about" if receiver in {"web", "lobby-1", "hall-1"} else f"{receiver}/ack"
        made, _ = await self(sender)
        assert made.publish(f"{BASE}/{topic}", payload)
        await made.flush()

    async def listening(self, receiver: str) -> None:
        """Wait until the receiver's subscription stands."""
        _, heard = await self(receiver)
        for attempt in range(100):
            await self.sentinel(receiver, b"ready %d" % attempt)
            try:
                async with asyncio.timeout(0.2):
                    while not (await heard.messages.get())[1].startswith(b"ready"):
                        pass
            except TimeoutError:
                continue
            return
        raise AssertionError(f"{receiver} hears nothing")

    async def heard_until_sentinel(self, receiver: str) -> list[bytes]:
        """The payloads that came before a sentinel that is sent now."""
        _, heard = await self(receiver)
        await self.sentinel(receiver, b"sentinel")
        payloads = []
        while (payload := (await heard.next())[1]) != b"sentinel":
            payloads.append(payload)
        return payloads


@pytest.mark.parametrize(
    "case",
    [*MAY, *MAY_NOT],
    ids=lambda case: f"{case.sender} to {case.receiver}: {case.topic}",
)
async def test_it_arrives_where_it_may_and_nowhere_else(
    office_broker: OfficeBroker, case: Case
) -> None:
    async with AsyncExitStack() as stack:
        clients = Clients(office_broker, stack)
        sender, _ = await clients(case.sender)
        await clients.listening(case.receiver)
        assert sender.publish(f"{BASE}/{case.topic}", b"this")
        await sender.flush()
        heard = await clients.heard_until_sentinel(case.receiver)
        assert (b"this" in heard) == case.arrives, case.why


@pytest.fixture(scope="module")
def staff_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeBroker]:
    """The same office's, where staff watch the devices on pages of the web process."""
    text = EXAMPLE.read_text("utf-8").partition("[broker]")[0] + "[staff]\n"
    made = OfficeBroker(tmp_path_factory.mktemp("staff"), [text])
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.mark.parametrize(
    "case",
    [*STAFF_MAY, *STAFF_MAY_NOT],
    ids=lambda case: f"{case.sender} to {case.receiver}: {case.topic}",
)
async def test_staff_hear_their_own_machines_and_press_three_buttons(
    staff_broker: OfficeBroker, case: Case
) -> None:
    await test_it_arrives_where_it_may_and_nowhere_else(staff_broker, case)


@pytest.mark.parametrize(
    ("sender", "topic", "receiver"),
    [
        ("desk", "hub/service/moving", "web"),
        ("web", "hub/notice/flood", "lobby-1"),
        ("desk", "gates/cmd/reset", "gates"),
        ("desk", "gates/ack", "gates"),
        ("desk", "gates/state", "hub"),
    ],
)
async def test_a_forged_result_is_not_retained(
    office_broker: OfficeBroker, sender: str, topic: str, receiver: str
) -> None:
    async with AsyncExitStack() as stack:
        clients = Clients(office_broker, stack)
        forger, _ = await clients(sender)
        assert forger.publish(f"{BASE}/{topic}", b"forged", retain=True)
        await forger.flush()
        true, _ = await clients("hub")
        assert true.publish(f"{BASE}/hub/zone/lobby", b"true", retain=True)
        await true.flush()
        _, heard = await clients(receiver)
        payloads = await clients.heard_until_sentinel(receiver)
        assert b"forged" not in payloads
        if receiver in {"web", "lobby-1"}:
            assert b"true" in payloads, "else nothing that is retained had come yet"
        assert heard.messages.empty()


@pytest.mark.parametrize(("branch", "spoken"), [("gates", True), ("desk", False), ("hub", False)])
async def test_a_will_speaks_in_its_own_branch_only(
    office_broker: OfficeBroker, caplog: pytest.LogCaptureFixture, branch: str, *, spoken: bool
) -> None:
    async with AsyncExitStack() as stack:
        clients = Clients(office_broker, stack)
        await clients.listening("hub")
        await clients.listening("web")
        with caplog.at_level(logging.INFO, "machiai.session"):
            will = (f"{BASE}/{branch}/state", b"lost")
            made = session(office_broker.address("gates"), "gates", will=will)
            gates, heard = await stack.enter_async_context(made)
            async with asyncio.timeout(10):
                while heard.connections.empty() and "refuses gates" not in caplog.text:
                    await asyncio.sleep(0.01)
        if gates.connected:
            await heard.connected(up=True)
            cut(gates)
            await heard.connected(up=False)
            await heard.connected(up=True)  # the broker has seen the old connection end
        assert (b"lost" in await clients.heard_until_sentinel("hub")) == spoken
        assert b"lost" not in await clients.heard_until_sentinel("web")


async def test_nobody_takes_the_place_of_another(office_broker: OfficeBroker) -> None:
    """Neither by a client id nor by a user's name and password."""
    async with AsyncExitStack() as stack:
        clients = Clients(office_broker, stack)
        await clients.listening("hub")
        _, hub = await clients("hub")
        address = office_broker.address("lobby-1", user="hub", password="guessed")  # noqa: S106
        thief, thiefs = await stack.enter_async_context(session(address, "hub", "#"))
        await thiefs.connected(up=True)
        assert thief.publish(f"{BASE}/hub/service/moving", b"stolen")
        assert thief.publish(f"{BASE}/desk/cmd/reset", b"stolen")
        await thief.flush()
        desk, _ = await clients("desk")
        assert desk.publish(f"{BASE}/desk/obs/ticket/moving", b"for the hub")
        await desk.flush()
        payloads = await clients.heard_until_sentinel("hub")
        assert b"for the hub" in payloads
        assert b"stolen" not in payloads
        assert hub.connections.empty(), "the true hub was thrown out"
        while not thiefs.messages.empty():
            assert thiefs.messages.get_nowait()[1] != b"for the hub"


STRANGE = [
    "desk/obs", "desk/obs/ticket", "desk/ack", "hub/service", "machiai/v1/minami/hub", "+", "#",
    "+/hub", "desk#", "Desk", "HUB", "hub ", " hub", "minami.hub", "desk.", "no-such-device",
    "クラス", "%u", "%c", "*", "$SYS", "a" * 64,
]  # fmt: skip


@pytest.mark.parametrize("name", STRANGE)
async def test_a_strange_name_has_no_right(
    office_broker: OfficeBroker, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Whatever an authority may have issued. A screen beside it hears what it may hear."""
    file = f"strange-{STRANGE.index(name)}"
    await asyncio.to_thread(office_broker.pki.issue, name, file=file)
    tried = [
        "hub/service/moving", "hub/state", "desk/ack", "desk/cmd/reset", "desk/state",
        "desk/obs/ticket/moving", "desk/obs/obs/ticket/moving", "web/obs/level/moving",
        f"{name}/state".replace("+", "x").replace("#", "x"),
    ]  # fmt: skip
    async with AsyncExitStack() as stack:
        clients = Clients(office_broker, stack)
        for receiver in ("web", "desk", "hub"):
            await clients.listening(receiver)
        screen = await clients("hall-1")
        await clients.listening("hall-1")
        with caplog.at_level(logging.INFO, "machiai.session"):
            made = session(office_broker.address(file), "x", "#", "$SYS/#", "+/+/+/#")
            strange, heard = await stack.enter_async_context(made)
            async with asyncio.timeout(10):
                while heard.connections.empty() and "refuses x" not in caplog.text:
                    await asyncio.sleep(0.01)
        for topic in tried:
            strange.publish(f"{BASE}/{topic}", b"strange")
        await strange.flush()
        for sender, topic in [
            ("hub", "hub/lot/front"),
            ("hub", "desk/ack"),
            ("desk", "desk/state"),
        ]:
            true, _ = await clients(sender)
            assert true.publish(f"{BASE}/{topic}", b"true")
            await true.flush()
        for session_, _ in (screen, (strange, heard)):
            session_.publish("barrier", b"")  # its answer comes after all that came before
            await session_.flush()
        assert (f"{BASE}/hub/lot/front", b"true", False) in drained(screen[1])
        assert drained(heard) == []
        for receiver in ("web", "desk", "hub"):
            assert b"strange" not in await clients.heard_until_sentinel(receiver)


def drained(heard: Heard) -> list[tuple[str, bytes, bool]]:
    """All that has come so far."""
    return [heard.messages.get_nowait() for _ in range(heard.messages.qsize())]


@pytest.mark.parametrize("kind", ["cap", "jma"])
async def test_only_a_device_that_reads_alerts_puts_up_notices(tmp_path: Path, kind: str) -> None:
    button = 'kind = "button"\nbutton = "busy-hall"'
    alerts = f'kind = "{kind}"\nsource = "/srv/alerts"\n\n[[devices.sensors]]\n{button}'
    text = EXAMPLE.read_text("utf-8")
    assert text.count(button) == 1
    broker = await asyncio.to_thread(OfficeBroker, tmp_path, [text.replace(button, alerts)])
    try:
        await asyncio.to_thread(broker.start)
        async with AsyncExitStack() as stack:
            clients = Clients(broker, stack)
            await clients.listening("hub")
            for name, topic in [
                ("gates", "gates/obs/notice/flood"),
                ("gates", "hall/obs/notice/flood"),
                ("hall", "gates/obs/notice/flood"),
                ("hall", "hall/obs/level/moving"),
                ("hall", "hall/obs/press/busy-hall"),
                ("hall", "hall/obs/notice/flood"),
            ]:
                sender, _ = await clients(name)
                assert sender.publish(f"{BASE}/{topic}", topic.encode())
                await sender.flush()
            heard = await clients.heard_until_sentinel("hub")
            assert heard == [b"hall/obs/press/busy-hall", b"hall/obs/notice/flood"]
    finally:
        broker.kill()


async def test_offices_on_one_broker_are_apart(tmp_path: Path) -> None:
    minami = EXAMPLE.read_text("utf-8")
    kita = minami.replace('id = "minami"', 'id = "kita"')
    broker = await asyncio.to_thread(OfficeBroker, tmp_path, [minami, kita])
    try:
        await asyncio.to_thread(broker.start)
        for name in ("minami.hub", "kita.hub", "minami.desk", "kita.desk"):
            await asyncio.to_thread(broker.pki.issue, name)
        async with AsyncExitStack() as stack:
            made = {
                name: await stack.enter_async_context(session(broker.address(name), name, "#"))
                for name in ("minami.hub", "kita.hub", "minami.desk", "kita.desk", "desk")
            }
            for _, heard in made.values():
                await heard.connected(up=True)
            for name, site in [
                ("kita.desk", "minami"),
                ("desk", "minami"),
                ("minami.desk", "minami"),
            ]:
                desk, _ = made[name]
                assert desk.publish(f"machiai/v1/{site}/desk/obs/ticket/moving", name.encode())
                await desk.flush()
            assert (await made["minami.hub"][1].next())[1] == b"minami.desk"
            hub, _ = made["minami.hub"]
            for site in ("kita", "minami"):
                assert hub.publish(f"machiai/v1/{site}/desk/ack", site.encode())
                await hub.flush()
            assert (await made["minami.desk"][1].next())[1] == b"minami"
            desk, _ = made["kita.desk"]
            assert desk.publish("machiai/v1/kita/desk/state", b"end")
            assert (await made["kita.hub"][1].next())[1] == b"end"
            assert made["kita.desk"][1].messages.empty()
    finally:
        broker.kill()
