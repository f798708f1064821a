"""Whole processes over a real broker: what becomes of a machine is read on staff's page."""

import html
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Mosquitto
from tests.journey.conftest import Office
from tests.staff.house import PASSWORD, Client

SITE = """
[site]
id = "hut"
name = { en = "Hut" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[[lots]]
id = "front"
name = { en = "the yard" }
capacity = 40
[[gates]]
id = "front-in"
lot = "front"
[[devices]]
id = "gates"
name = { en = "Gates" }
[[devices.sensors]]
kind = "gate"
gate = "front-in"
pins = [17, 27]
[[devices]]
id = "spare"
name = { en = "Spare" }
[staff]
"""


class Hut:
    """An office of one device, with staff's pages."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office, self.folder = office, folder
        site, secret = folder / "site.toml", folder / "password"
        site.write_text(SITE, "utf-8")
        secret.write_text(PASSWORD, "utf-8")
        account = ["staff", str(site), "add", "taro", "--role", "facility"]
        subprocess.run(
            [sys.executable, "-m", "machiai", *account, "--password-file", str(secret),
             "--state", str(folder / "web")],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
        self.hub = office.process("hub", str(site), "--state", str(folder / "hub"))
        edge = ("--device", "gates", "--state", str(folder / "edge"))
        self.agent = office.process("edge", str(site), *edge)
        self.web = office.process("web", str(site), "--port", str(port))
        self.client = Client(f"http://127.0.0.1:{port}")

    def come_in(self) -> None:
        """Log in as soon as there is a door."""
        self.until(lambda: self.client.login("taro").status == 303)

    def reads(self, sentence: str, *, not_: bool = False) -> str:
        """Look again until the page says it, or says it no more."""
        self.until(lambda: (sentence in self.page()) != not_)
        return self.page()

    def page(self) -> str:
        text = self.client.get("/devices?lang=en", "en").text
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)))

    def until(self, true: Callable[[], bool]) -> None:
        end_s = time.perf_counter() + 60
        while True:
            try:
                if true():
                    return
            except OSError:
                pass
            if time.perf_counter() > end_s:
                logs = "\n".join(one.said()[-1500:] for one in (self.hub, self.agent, self.web))
                raise AssertionError(f"{self.page()}\n{logs}")
            threading.Event().wait(0.2)


@pytest.fixture
def hut(mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hut]:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "web"))
    office = Office(mosquitto, tmp_path)
    try:
        yield Hut(office, tmp_path)
    finally:
        office.end()


@pytest.mark.timeout(240)
def test_staff_read_what_becomes_of_a_machine(hut: Hut) -> None:
    hut.come_in()
    hut.reads("Gates (gates) has never been here", not_=True)
    said = hut.reads("Spare (spare) has never been here")
    assert "No word from Gates (gates)" not in said

    assert hut.client.post("/devices", who="gates", name="identify").status == 303
    assert "Told Gates (gates)" in hut.page()
    hut.until(lambda: "gates: here I am" in hut.agent.said())

    hut.agent.kill()  # as a power cut
    said = hut.reads("No word from Gates (gates)")
    assert "Residents see no number of free places at the yard" in said
    hut.agent.start()
    hut.reads("No word from Gates (gates)", not_=True)

    hut.hub.kill()
    hut.reads("No word from the hub for ")
    hut.hub.start()
    hut.reads("No word from the hub", not_=True)
