"""What others would build: counters that trust MQTT alone, under the same faults.

`python -m tests.chaos.peers publish NAME RATE_PER_S LEDGER` and `… count paho|session FOLDER`.

A publisher writes down each car that passed while it lived. A counter says once a second, retained,
how many it has counted; that is what its screen would show at the end.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

LINE = "MACHIAI_LINE"
"""The port of this process's line to the broker."""

TOTAL = "peer/total"
STEP_S = 0.04
SAY_S = 1.0

PEERS = {
    "paho": "paho, counts in memory, clean session",
    "session": "paho, persistent session, a snapshot each second",
    "node-red": "Node-RED, counts in its context",
}


def command(peer: str, role: str, name: str, folder: Path, rest: tuple[str, ...]) -> list[str]:
    """What stands in for the hub or an agent."""
    here = [sys.executable, "-m", "tests.chaos.peers"]
    if role == "agent":
        return [*here, "publish", name, *rest[-2:]]
    if peer == "node-red":
        return _node_red(folder)
    return [*here, "count", peer, str(folder)]


def publish(name: str, rate_per_s: float, ledger_path: str) -> None:
    """A gate as a tutorial writes it: QoS 1, and paho's own queue in memory."""
    ledger = os.open(ledger_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    quiet = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: quiet.set())
    client = _client(name, clean=True)
    client.loop_start()
    owed = 0.0
    while not quiet.is_set():
        time.sleep(STEP_S)
        owed += rate_per_s * STEP_S
        lines = []
        for _ in range(int(owed)):
            client.publish(f"peer/gate/{name}", b'{"direction":"in"}', qos=1)
            lines.append(f"{time.time_ns()}\n")
        owed -= int(owed)
        os.write(ledger, "".join(lines).encode())
    signal.pause()


def count(kind: str, folder: Path) -> None:
    """A counter as a tutorial writes it, or with a persistent session and a snapshot."""
    has_session = kind == "session"
    snapshot = folder / "total"
    total = int(snapshot.read_text()) if has_session and snapshot.exists() else 0

    def counted(*_: object) -> None:
        nonlocal total
        total += 1

    client = _client("counter", clean=not has_session)
    client.on_connect = lambda *_: _ignore(client.subscribe("peer/gate/+", qos=1))
    client.on_message = counted
    client.loop_start()
    while True:
        time.sleep(SAY_S)
        now = total
        if has_session:
            scratch = folder / "total.new"
            scratch.write_text(str(now))
            scratch.replace(snapshot)
        client.publish(TOTAL, str(now), qos=1, retain=True)


def _ignore(_: object) -> None:
    """A callback returns nothing."""


def _client(name: str, *, clean: bool) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean)
    client.max_queued_messages_set(0)
    client.reconnect_delay_set(1, 2)
    client.connect_async("127.0.0.1", int(os.environ[LINE]), keepalive=15)
    return client


def node_red_program(root: Path) -> Path:
    """Where `npm install node-red` puts it when it is asked for."""
    return root / "var" / "node-red" / "node_modules" / "node-red" / "red.js"


def _node_red(folder: Path) -> list[str]:
    from tests.conftest import ROOT  # noqa: PLC0415  a publisher needs no pytest

    user = folder.with_name("node-red")
    user.mkdir(parents=True, exist_ok=True)
    (user / "flow.json").write_bytes(msgspec.json.encode(_FLOW))
    (user / "settings.js").write_text(_SETTINGS, encoding="utf-8")
    return [
        "node",
        str(node_red_program(ROOT)),
        "--userDir",
        str(user),
        "--settings",
        str(user / "settings.js"),
        str(user / "flow.json"),
    ]


_SETTINGS = """\
module.exports = {
  httpAdminRoot: false, httpNodeRoot: false, uiPort: 0, uiHost: "127.0.0.1",
  logging: { console: { level: "warn", metrics: false, audit: false } },
  mqttReconnectTime: 500, telemetry: { enabled: false }, credentialSecret: false,
};
"""

_FLOW = [
    {"id": "t", "type": "tab", "label": "count"},
    {
        "id": "b",
        "type": "mqtt-broker",
        "broker": "127.0.0.1",
        "port": "${MACHIAI_LINE}",
        "clientid": "counter",
        "autoConnect": True,
        "usetls": False,
        "protocolVersion": "4",
        "keepalive": "15",
        "cleansession": True,
    },
    {
        "id": "i",
        "type": "mqtt in",
        "z": "t",
        "topic": "peer/gate/+",
        "qos": "1",
        "datatype": "json",
        "broker": "b",
        "wires": [["f"]],
    },
    {
        "id": "f",
        "type": "function",
        "z": "t",
        "outputs": 0,
        "func": "flow.set('total', (flow.get('total') || 0) + 1); return null;",
        "wires": [],
    },
    {
        "id": "n",
        "type": "inject",
        "z": "t",
        "props": [],
        "repeat": "1",
        "once": True,
        "onceDelay": "1",
        "wires": [["s"]],
    },
    {
        "id": "s",
        "type": "function",
        "z": "t",
        "outputs": 1,
        "func": "msg.payload = String(flow.get('total') || 0); return msg;",
        "wires": [["o"]],
    },
    {
        "id": "o",
        "type": "mqtt out",
        "z": "t",
        "topic": TOTAL,
        "qos": "1",
        "retain": "true",
        "broker": "b",
        "wires": [],
    },
]


def main() -> None:
    role, *rest = sys.argv[1:]
    if role == "publish":
        publish(rest[0], float(rest[1]), rest[2])
    else:
        count(rest[0], Path(rest[1]))


if __name__ == "__main__":
    main()
