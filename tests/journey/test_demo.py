"""`machiai demo`, as somebody who has just cloned the project starts it."""

import asyncio
import json
import os
import random
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from tests.conftest import ROOT

FOR_S = 25
SPEED = 60


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        body: bytes = answer.read()
        return body


async def until(true: Callable[[], bool], timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.1)


def free_port_pair() -> int:
    """A free port whose neighbour is free too: the display takes that.

    Below the ports that the kernel gives to connections, which come and go by the hundred.
    """
    candidates = list(range(20_000, 30_000, 2))
    random.shuffle(candidates)
    return next(port for port in candidates if is_free(port) and is_free(port + 1))


def is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.mark.timeout(150)
async def test_the_demo_serves_an_office_that_lives_and_ends_by_itself() -> None:
    port = free_port_pair()
    command = ["demo", "--for", str(FOR_S), "--speed", str(SPEED), "--port", str(port)]
    demo = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "machiai",
        *command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert demo.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(60):
            while f"http://127.0.0.1:{port}/demo" not in said:
                line = await demo.stdout.readline()
                assert line, said
                said += line.decode()
        base = f"http://127.0.0.1:{port}"
        (lobby,) = re.findall(r"(http://\S+/) +the display in the lobby", said)
        schema = json.loads(await asyncio.to_thread(fetch, f"{base}/api/v1/schema/1.0/site.json"))

        def feed() -> dict[str, Any]:
            document: dict[str, Any] = json.loads(fetch(f"{base}/api/v1/sites/minami"))
            jsonschema.validate(document, schema)
            return document

        first = await asyncio.to_thread(feed)
        calls = [call["number"] for call in first["calls"]]
        free = first["lots"][0]["free"]

        def a_new_call_is_in_the_lobby() -> bool:
            """At this pace a number soon makes room for the next, so both are asked together."""
            numbers = [c["number"] for c in feed()["calls"] if c["number"] not in calls]
            shown = fetch(lobby).decode()
            return any(number in shown for number in numbers)

        await until(a_new_call_is_in_the_lobby, FOR_S)
        await until(lambda: feed()["lots"][0]["free"] not in (free, None), FOR_S)
        page = (await asyncio.to_thread(fetch, base)).decode()
        assert "南区役所" in page
        told = (await asyncio.to_thread(fetch, f"{base}/demo")).decode()
        assert "<svg" in told
        rest, _ = await demo.communicate()
        assert demo.returncode == 0, said + rest.decode()
        assert "Traceback" not in said + rest.decode()
    finally:
        if demo.returncode is None:
            demo.terminate()
            await demo.wait()


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        run = subprocess.run(
            [sys.executable, "-m", "machiai", "demo", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert run.returncode == 69
    assert run.stderr == (f"machiai: want port {port} free on 127.0.0.1, it is taken; try --port\n")
