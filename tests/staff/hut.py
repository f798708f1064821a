"""A small office of whole processes over a real broker, and its staff at their browsers."""

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT, Mosquitto
from tests.journey.conftest import Office
from tests.staff.house import PASSWORD, Client


class Hut:
    """A hub and a web process, and the people of the office."""

    def __init__(self, office: Office, folder: Path, site: str) -> None:
        self.office, self.folder = office, folder
        self.site = folder / "site.toml"
        self.site.write_text(site, "utf-8")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.hub = office.process("hub", str(self.site), "--state", str(folder / "hub"))
        self.web = office.process("web", str(self.site), "--port", str(port))

    def person(self, name: str, role: str) -> Client:
        """Somebody who is in, and reads English."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD, "utf-8")
        account = ["staff", str(self.site), "add", name, "--role", role]
        subprocess.run(
            [sys.executable, "-m", "machiai", *account, "--password-file", str(secret),
             "--state", str(self.folder / "web")],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )  # fmt: skip
        client = Client(self.base)
        self.until(lambda: client.login(name).status == 303)
        client.get("/account?lang=en")
        return client

    def public(self, path: str = "/") -> str:
        """The residents' page."""
        with urllib.request.urlopen(f"{self.base}{path}?lang=en", timeout=30) as answer:
            page: str = answer.read().decode()
        return page

    def until(self, true: Callable[[], bool]) -> None:
        """Ask again and again."""
        end_s = time.perf_counter() + 60
        while True:
            try:
                if true():
                    return
            except OSError:
                pass
            logs = [one.said()[-1500:] for one in (self.hub, self.web)]
            assert time.perf_counter() < end_s, "\n".join(logs)
            threading.Event().wait(0.1)


@contextmanager
def living(
    mosquitto: Mosquitto, folder: Path, monkeypatch: pytest.MonkeyPatch, site: str
) -> Iterator[Hut]:
    """It is open until the end."""
    monkeypatch.setenv("STATE_DIRECTORY", str(folder / "web"))
    office = Office(mosquitto, folder)
    try:
        yield Hut(office, folder, site)
    finally:
        office.end()
