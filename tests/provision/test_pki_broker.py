"""Certificates of `machiai pki` at a real broker: who is revoked, an authority that is replaced."""

import asyncio
import signal
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from broker.clock import from_environment, starting_at
from broker.device import Alerts, Owner, Presence
from broker.pki import certificates
from models.contract.results import Health
from models.site import parse
from tests.broker.conftest import OfficeBroker
from tests.broker.rig import Pi, hub_at, journalled, running
from tests.broker.test_acl_tls import WELCOME, answer, context_of
from tests.broker.test_delivery import pulses, seqs
from tests.broker.test_session import session

TEXT = """
[site]
id = "rig"
name = { en = "Rig" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]

[[lots]]
id = "front"
capacity = 1000
[[gates]]
id = "gate"
lot = "front"

[[devices]]
id = "pi"
[[devices]]
id = "thief"
[broker]
"""
SITE = parse(TEXT.partition("[broker]")[0])


@pytest.fixture
def rig_broker(tmp_path: Path) -> Iterator[OfficeBroker]:
    """A broker of an office with two devices."""
    made = OfficeBroker(tmp_path, [TEXT])
    for name in ("hub", "web", "notice", "pi", "thief"):
        made.pki.sign(name, SITE)
    try:
        made.start()
        yield made
    finally:
        made.kill()


async def restart(broker: OfficeBroker) -> None:
    await asyncio.to_thread(broker.kill, signal.SIGTERM)
    await asyncio.to_thread(broker.start)


async def test_a_stolen_device_is_out_and_the_others_lose_nothing(
    rig_broker: OfficeBroker, tmp_path: Path
) -> None:
    at, loop = rig_broker.address, asyncio.get_running_loop()
    async with (
        hub_at(at("hub"), tmp_path / "hub", site=SITE),
        running(partial(Pi, at("pi"), tmp_path / "pi.sqlite", "pi")) as pi,
        running(partial(Pi, at("thief"), tmp_path / "thief.sqlite", "thief")) as thief,
    ):
        await asyncio.gather(pulses(pi, 200), pulses(thief, 5))
        await pi.drained()
        await thief.drained()
        began_s = loop.time()
        await asyncio.to_thread(rig_broker.pki.revoke, "thief")
        assert thief.session.connected, "its session is open, or this shows nothing"
        await asyncio.gather(restart(rig_broker), pulses(pi, 500))
        await asyncio.gather(pulses(pi, 100), pulses(thief, 5))
        await pi.drained()
        took_s = loop.time() - began_s
        assert not thief.session.connected
        assert await asyncio.to_thread(thief.outbox.depth) == 5
        assert took_s < 10
        streams = pi.outbox.stream, thief.outbox.stream
    records = await asyncio.to_thread(journalled, tmp_path / "hub")
    assert seqs(records, streams[0]) == list(range(1, 801))
    assert seqs(records, streams[1]) == list(range(1, 6))


def is_let_in(broker: OfficeBroker, context: ssl.SSLContext) -> bool:
    return answer(broker, context) == WELCOME


def test_an_authority_is_replaced_while_devices_come_and_go(rig_broker: OfficeBroker) -> None:
    """As rotate.yml does it: all trust both, then all get new certificates, then the old ends."""
    pki, now = rig_broker.pki, from_environment().now()

    def again() -> None:
        rig_broker.kill(signal.SIGTERM)
        rig_broker.start()

    before = context_of(rig_broker, "pi")
    pki.authority.roll(now)
    again()
    assert is_let_in(rig_broker, before), (
        "it knows the old authority alone, and the broker is of it"
    )
    pki.sign("thief", SITE)
    assert is_let_in(rig_broker, context_of(rig_broker, "thief")), "new and old side by side"
    pki.sign("broker", SITE)
    both = context_of(rig_broker)
    both.load_cert_chain(pki.folder / "pi.pem", pki.folder / "pi.key")
    again()
    assert is_let_in(rig_broker, both)
    assert not is_let_in(rig_broker, before), "it was not told of the new authority in time"
    for name in ("hub", "web", "notice", "pi"):
        pki.sign(name, SITE)
    for name in {one.name for one in pki.authority.issued()} - {*certificates.known([SITE])}:
        pki.revoke(name)
    assert pki.authority.retire(now) == 1
    again()
    assert is_let_in(rig_broker, context_of(rig_broker, "pi"))
    assert not is_let_in(rig_broker, both), "its certificate is of the authority that is no more"


def test_what_was_replaced_is_let_in_until_the_broker_has_the_list(
    rig_broker: OfficeBroker,
) -> None:
    pki = rig_broker.pki
    old = context_of(rig_broker, "pi")
    pki.sign("pi", SITE)
    assert is_let_in(rig_broker, old)
    assert pki.authority.revoke("pi", from_environment().now(), is_old_only=True) == 1
    rig_broker.kill(signal.SIGTERM)
    rig_broker.start()
    assert not is_let_in(rig_broker, old)
    assert is_let_in(rig_broker, context_of(rig_broker, "pi"))


async def test_a_device_tells_for_how_many_days_it_has_its_certificate(
    rig_broker: OfficeBroker, tmp_path: Path
) -> None:
    make = partial(
        Presence,
        Owner(),
        site="rig",
        device="pi",
        clock=starting_at(from_environment().now(), 1),
        address=rig_broker.address("pi"),
        folder=tmp_path / "pi",
        alerts=Alerts("pi"),
    )
    presence = await asyncio.to_thread(make)
    hub = session(rig_broker.address("hub"), "hub", "machiai/v1/rig/pi/health")
    async with hub as (_, heard):
        task = asyncio.create_task(presence.run())
        try:
            _, payload, _ = await heard.next()
        finally:
            task.cancel()
            await asyncio.wait([task])
    assert msgspec.json.decode(payload, type=Health).certificate_days == 397
