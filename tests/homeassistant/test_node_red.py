"""docs/node-red/office.json: what it is made of, and the same in a real Node-RED."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest

from broker.clock import Clock
from broker.embedded import free_port
from models.contract.results import Free, LotResult
from tests.conftest import ROOT, Mosquitto
from tests.homeassistant.office import listening, office

FLOW: list[dict[str, Any]] = json.loads((ROOT / "docs/node-red/office.json").read_text("utf-8"))
CORE = {
    *("tab", "mqtt-broker", "tls-config", "mqtt in", "mqtt out", "function", "change"),
    *("http in", "http response"),
}
"""Nodes that every Node-RED has."""


def test_the_flow_is_whole_and_of_nodes_that_every_node_red_has() -> None:
    ids = [node["id"] for node in FLOW]
    assert len(set(ids)) == len(ids)
    assert {node["type"] for node in FLOW} <= CORE
    for node in FLOW:
        for outlet in node.get("wires", []):
            assert set(outlet) <= set(ids)
        for reference in ("z", "broker", "tls"):
            if node["type"] != "mqtt-broker" or reference != "broker":
                assert node.get(reference, ids[0]) in ids
    assert not [node for node in FLOW if "credentials" in node], "a password has no place here"


@asynccontextmanager
async def red(folder: Path, mosquitto: Mosquitto) -> AsyncIterator[int]:
    """Node-RED with the flow, both its brokers the test's; the port that it listens on."""
    given = os.environ.get("MACHIAI_NODE_RED")
    if given is None:
        pytest.skip("a real Node-RED takes minutes to install: make test-ha")
    port, flow = free_port(), json.loads(json.dumps(FLOW))
    for node in flow:
        if node["type"] == "mqtt-broker":
            node |= {"broker": mosquitto.host, "port": str(mosquitto.port), "usetls": False}
            node.pop("tls", None)
    await asyncio.to_thread((folder / "flows.json").write_text, json.dumps(flow), "utf-8")
    settings = "module.exports = {uiHost: '127.0.0.1', httpAdminRoot: false};"
    await asyncio.to_thread((folder / "settings.js").write_text, settings, "utf-8")
    program = ROOT / given / "node_modules" / "node-red" / "red.js"
    command = ["node", str(program), "--userDir", str(folder), "--port", str(port), "flows.json"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        process.kill()
        await process.wait()


def lot(vacancy: Literal["vacant", "few", "full"], free: int, holds_s: float) -> LotResult:
    now = Clock().now()
    return LotResult(
        at=now,
        observed_at=now,
        valid_until=now + timedelta(seconds=holds_s),
        state="open",
        vacancy=vacancy,
        free=Free(p10=free, p50=free, p90=free),
        capacity=40,
    )


async def test_it_says_once_that_the_car_park_is_nearly_full_and_nothing_that_is_over(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with listening(mosquitto, office(), "facility/#", "zigbee2mqtt/#") as facility:
        said = facility.told.setdefault("facility/say", [])
        facility.say("lot/front", lot("full", 0, holds_s=-1))  # retained, and over
        async with red(tmp_path, mosquitto) as port:
            button = await pressed(port)
            await facility.until(lambda: "zigbee2mqtt/next-c6" in facility.told)
            assert button == 204
            assert facility.told["zigbee2mqtt/next-c6"] == ['{"action":"single"}']
            async with asyncio.timeout(30):
                while not said:  # its connection to the office's broker may be later
                    facility.say("lot/front", lot("few", 3, 600))
                    await asyncio.sleep(0.2)
            facility.say("lot/front", lot("full", 0, holds_s=-1))
            facility.say("lot/front", lot("few", 2, 600))
            facility.say("lot/front", lot("vacant", 9, 600))
            facility.say("lot/front", lot("full", 0, 600))
            await facility.until(lambda: len(said) >= 3, 30)
    assert said == [
        "駐車場は残り3台です。",
        "駐車場に空きがあります。",
        "駐車場は満車です。",
    ]


async def pressed(port: int) -> int:
    """Press the button as soon as Node-RED is there."""
    async with aiohttp.ClientSession() as client, asyncio.timeout(60):
        while True:
            try:
                async with client.post(f"http://127.0.0.1:{port}/machiai/next") as answer:
                    if answer.status != 404:  # its flows have not been started yet
                        return answer.status
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)
