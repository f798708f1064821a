"""What the broker lets a device say that reads devices of other makes."""

import pytest

from broker import acl
from tests.edge.recording import office

OPENS = {"kind": "mqtt", "topic": "a", "broker": "mqtt://h", "counter": "c1"}
PRESSES = {"kind": "mqtt", "topic": "a", "broker": "mqtt://h", "button": "next-c6"}
HOOK = {"kind": "json", "name": "door", "token_file": "/t", "value": "/a", "counter": "c1"}
INPUT = {"kind": "input", "address": 0, "counter": "c1"}


@pytest.mark.parametrize(
    ("sensor", "may"),
    [
        (OPENS, True),
        (PRESSES, False),
        ({"kind": "webhook", "listen": "127.0.0.1:0", "hooks": [HOOK]}, True),
        ({"kind": "modbus", "host": "192.0.2.7", "inputs": [INPUT]}, True),
        ({"kind": "webhook", "listen": "127.0.0.1:0", "hooks": 5}, False),
    ],
    ids=["contact", "button", "hook", "input", "nonsense"],
)
def test_only_a_device_with_a_contact_may_say_that_a_counter_is_open(
    sensor: dict[str, object], *, may: bool
) -> None:
    """Else the broker would drop it in silence, and it would hold back all that follows."""
    written = acl.rules([office(sensor)])
    assert ("topic write machiai/v1/minami/pi/obs/counter/+" in written) == may
