"""docs/devices.md names every sensor and profile, and what it shows can be used."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edge.sensors import SENSORS, sensors_of
from models.sensing.profiles import HOOKS, PROFILES
from models.site import parse
from tests.conftest import ROOT
from tests.house.markdown import tables

PAGE = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
TABLE = tables("docs/devices.md")["Devices that an office has already"]
SNIPPETS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLE = (ROOT / "ansible" / "sites" / "example.toml").read_text(encoding="utf-8")
DRAWINGS = ROOT / "docs" / "pictures" / "devices"
FED = {"bookings", "cap", "jma"}
"""What is no device: a file or an address, with a page of its own."""


def test_the_table_names_every_sensor_and_profile_and_no_other() -> None:
    told = [(row["sensor"].strip("`"), row["profile"].strip("`")) for row in TABLE]
    known = {(kind, "–") for kind in SENSORS if kind != "webhook"}
    known |= {("mqtt", name) for name in PROFILES}
    known |= {("webhook", name) for name in (*HOOKS, "json")}
    assert len(told) == len(set(told))
    assert set(told) == known


@pytest.mark.parametrize("name", PROFILES)
def test_it_says_of_what_a_profile_can_tell(name: str) -> None:
    (row,) = [row for row in TABLE if row["profile"] == f"`{name}`"]
    assert row["tells of"].split(", ") == list(PROFILES[name].ways)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row['sensor']} {row['profile']}")
def test_each_device_has_a_section_with_an_example(row: dict[str, str]) -> None:
    linked = re.fullmatch(r"\[.+\]\(#(.+)\)", row["device"])
    assert linked is not None
    sections = {
        re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-"): body
        for head, body in re.findall(
            r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
        )
    }
    section = sections[linked[1]]
    kind, profile = row["sensor"].strip("`"), row["profile"].strip("`")
    if kind in FED:
        return
    assert f'kind = "{kind}"' in section
    assert profile == "–" or f'"{profile}"' in section
    assert "**Known faults.**" in section or "Anything" in row["device"]
    assert "pictures/devices/" in section or "Anything" in row["device"]


@pytest.mark.parametrize(
    "snippet", SNIPPETS, ids=lambda text: tomllib.loads(text)["devices"][0]["id"]
)
def test_every_example_is_a_site_file(snippet: str) -> None:
    site = parse(f"{EXAMPLE}\n{snippet}")
    device = site.device(tomllib.loads(snippet)["devices"][0]["id"])
    made = sensors_of(site, device)
    assert made
    assert all(sensor.outputs() for sensor in made)


def test_the_drawings_are_what_their_program_draws(tmp_path: Path) -> None:
    program = ROOT / "tools" / "device_drawings.py"
    subprocess.run([sys.executable, str(program), str(tmp_path)], check=True, capture_output=True)
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.svg")}
    there = {path.name: path.read_text(encoding="utf-8") for path in DRAWINGS.glob("*.svg")}
    assert drawn == there, "run: python tools/device_drawings.py"
    shown = set(re.findall(r"!\[[^]]+\]\(pictures/devices/([^)]+)\)", PAGE))
    assert shown == set(there)
