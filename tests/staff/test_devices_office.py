"""Whole processes over a real broker: what becomes of a machine is read on staff's page."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Mosquitto
from tests.staff.hut import Hut, living

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


@pytest.fixture
def hut(mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hut]:
    with living(mosquitto, tmp_path, monkeypatch, SITE) as made:
        yield made


@pytest.mark.timeout(240)
def test_staff_read_what_becomes_of_a_machine(hut: Hut, tmp_path: Path) -> None:
    edge = ("--device", "gates", "--state", str(tmp_path / "edge"))
    agent = hut.office.process("edge", str(hut.site), *edge)
    chief = hut.person("taro", "facility")

    def page() -> str:
        text = chief.get("/devices?lang=en", "en").text
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)))

    def reads(sentence: str, *, not_: bool = False) -> str:
        """Look again until the page says it, or says it no more."""
        hut.until(lambda: (sentence in page()) != not_)
        return page()

    reads("Gates (gates) has never been here", not_=True)
    said = reads("Spare (spare) has never been here")
    assert "No word from Gates (gates)" not in said

    assert chief.post("/devices", who="gates", name="identify").status == 303
    assert "Told Gates (gates)" in page()
    hut.until(lambda: "gates: here I am" in agent.said())

    agent.kill()  # as a power cut
    said = reads("No word from Gates (gates)")
    assert "Residents see no number of free places at the yard" in said
    agent.start()
    reads("No word from Gates (gates)", not_=True)

    hut.hub.kill()
    reads("No word from the hub for ")
    hut.hub.start()
    reads("No word from the hub", not_=True)
