"""A facility's Home Assistant at the office's broker: it is told, and changes nothing."""

from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from broker import acl
from models.contract.topics import discovered
from models.errors import BadSite
from models.site import parse
from tests.broker.conftest import EXAMPLE, OfficeBroker
from tests.broker.test_acl_matrix import Clients

TEXT = EXAMPLE.read_text("utf-8").partition("[broker]")[0]
WITH = TEXT + "[homeassistant]\n"
READER = '[broker]\nreaders = ["node-red"]\n'
CONFIG = "homeassistant/" + discovered("minami", "zone_lobby_people")[0]

MAY = [
    ("homeassistant", CONFIG, "ha", "an entity"),
    ("homeassistant", "machiai/homeassistant/minami/zone/lobby", "ha", "what is told of it"),
    ("ha", "homeassistant/status", "homeassistant", "it has started"),
    ("hub", "machiai/v1/minami/hub/zone/lobby", "homeassistant", "a result"),
    ("desk", "machiai/v1/minami/desk/health", "homeassistant", "how a device feels"),
    ("lobby-1", "machiai/v1/minami/lobby-1/state", "homeassistant", "whether a screen is there"),
    ("homeassistant", CONFIG, "homeassistant", "what it said before it was restarted"),
]
MAY_NOT = [
    ("ha", CONFIG, "homeassistant", "an entity by Home Assistant"),
    ("ha", "machiai/homeassistant/minami/zone/lobby", "ha", "a value by Home Assistant"),
    ("ha", "machiai/v1/minami/hub/zone/lobby", "homeassistant", "a result by Home Assistant"),
    ("ha", "machiai/v1/minami/ha/obs/press/next-c6", "hub", "an observation by Home Assistant"),
    ("ha", "machiai/v1/minami/desk/cmd/reset", "desk", "a command by Home Assistant"),
    ("hub", "machiai/v1/minami/hub/zone/lobby", "ha", "a result past its end"),
    ("homeassistant", "homeassistant/switch/machiai-minami/x/config", "ha", "what could act"),
    ("homeassistant", "homeassistant/sensor/other/x/config", "ha", "another's entity"),
    ("homeassistant", "homeassistant/status", "ha", "that Home Assistant has started"),
    ("homeassistant", "machiai/v1/minami/hub/zone/lobby", "homeassistant", "a result"),
    ("homeassistant", "machiai/v1/minami/homeassistant/obs/set/front", "hub", "an observation"),
    ("homeassistant", "machiai/v1/minami/homeassistant/state", "hub", "it is no device"),
    ("desk", "machiai/v1/minami/desk/obs/ticket/moving", "homeassistant", "an observation"),
    ("web", CONFIG, "ha", "an entity by the web process"),
    ("desk", "machiai/homeassistant/minami/zone/lobby", "ha", "a value by a device"),
]


class Facility(Clients):
    """The same clients, by whole topics."""

    async def sentinel(self, receiver: str, payload: bytes) -> None:
        """Send what the receiver may hear."""
        if receiver == "ha":
            sender, topic = "homeassistant", "machiai/homeassistant/minami/here"
        elif receiver == "homeassistant":
            sender, topic = "hub", "machiai/v1/minami/hub/about"
        else:
            await super().sentinel(receiver, payload)
            return
        made, _ = await self(sender)
        assert made.publish(topic, payload)
        await made.flush()


@pytest.fixture(scope="module")
def facility_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeBroker]:
    """The example office's, at which a Home Assistant listens."""
    made = OfficeBroker(tmp_path_factory.mktemp("facility"), [WITH])
    for name in ("homeassistant", "ha"):
        made.pki.sign(name, parse(made.texts[0]))
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.mark.parametrize(
    ("sender", "topic", "receiver", "why", "arrives"),
    [(*case, True) for case in MAY] + [(*case, False) for case in MAY_NOT],
    ids=lambda value: value.rpartition("/")[2] if isinstance(value, str) else None,
)
async def test_home_assistant_is_told_and_changes_nothing(
    facility_broker: OfficeBroker,
    sender: str,
    topic: str,
    receiver: str,
    why: str,
    *,
    arrives: bool,
) -> None:
    async with AsyncExitStack() as stack:
        clients = Facility(facility_broker, stack)
        made, _ = await clients(sender)
        await clients.listening(receiver)
        assert made.publish(topic, b"this")
        await made.flush()
        assert (b"this" in await clients.heard_until_sentinel(receiver)) == arrives, why


def test_a_program_of_others_reads_what_the_public_is_told() -> None:
    site = parse(TEXT + READER)
    assert acl.names([site])[-1] == "node-red"
    (rule,) = [rule for rule in acl.rules([site]).split("\n\n") if "user node-red\n" in rule]
    rights = [line.split(" ", 2)[1:] for line in rule.splitlines()[1:]]
    assert {right for right, _ in rights} == {"read"}
    assert {topic.split("/")[4] for _, topic in rights} == {
        *("state", "service", "lot", "zone", "calls", "call", "forecast", "accuracy"),
        *("notice", "notices"),
    }


def test_without_the_table_it_has_no_name_and_no_right() -> None:
    rules = acl.rules([parse(TEXT)])
    assert "homeassistant" not in rules
    assert not {"homeassistant", "ha"} & set(acl.names([parse(TEXT)]))


def test_where_it_has_its_own_broker_it_has_no_name_at_ours() -> None:
    site = parse(WITH + '[homeassistant.broker]\nhost = "ha.example.jp"\n')
    assert acl.names([site])[-1] == "guide-1"
    assert "homeassistant" in acl.names([site])
    assert "user ha\n" not in acl.rules([site])
    assert "write homeassistant/" not in acl.rules([site])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('user = "desk"', r"got 'desk' - at `\$.homeassistant.user`"),
        (
            'user = "notice"\n[broker]\nreaders = ["desk"]',
            r"got 'desk' - at `\$.broker.readers\[0\]`",
        ),
        ('user = "hub"', r"want an id that is not .*hub.*, got 'hub'"),
    ],
)
def test_it_takes_nobodys_name(table: str, said: str) -> None:
    with pytest.raises(BadSite, match=said):
        acl.rules([parse(WITH + table + "\n")])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('user = "homeassistant"', r"machiai's own there - at `\$.homeassistant.user`"),
        ('prefix = "a/b"', r"at `\$.homeassistant.prefix`"),
        ('[homeassistant.broker]\nhost = "h"\nuser = "u"', r"at `\$.homeassistant.broker`"),
    ],
)
def test_a_mistake_is_one_line_with_its_path(table: str, said: str) -> None:
    with pytest.raises(BadSite, match=said):
        parse(WITH + table + "\n")
