"""A city of fourteen offices: all are right, and one inventory holds them."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from models.site import Site, parse
from tests.conftest import ROOT

CITY = ROOT / "ansible" / "sites" / "city"
FILES = sorted(CITY.glob("*.toml"))
SITES = [parse(path.read_text(encoding="utf-8"), str(path), str(CITY)) for path in FILES]
BIN = Path(sys.executable).parent
LIMIT_S = 10.0


def run(*command: str) -> str:
    """A program of the virtual environment; what it says."""
    if not (BIN / command[0]).exists():
        pytest.skip(f"{command[0]} is not installed: sh tools/venv.sh dev")
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT / "ansible",
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def machines(site: Site) -> set[str]:
    devices = {device.id for device in site.devices}
    return {"hub", *devices, *(display.id for display in site.displays)}


def children_s() -> float:
    """What programs that we started have had of the processor: others may be busy beside us."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_fourteen_offices_render_and_check_in_ten_seconds(tmp_path: Path) -> None:
    before_s = children_s()
    for path in FILES:
        assert ": right. " in run("machiai", "check", str(path))
    run("machiai", "inventory", str(CITY), "--out", str(tmp_path))
    here = ("--inventory", str(tmp_path), "site.yml")
    run("ansible-playbook", *here, "--syntax-check")
    listed = run("ansible-playbook", *here, "--list-hosts")
    assert children_s() - before_s <= LIMIT_S
    for site in SITES:
        for machine in machines(site):
            assert f"      {site.id}.{machine}\n" in listed
    assert len(FILES) == 14


def test_the_inventory_knows_each_machine_and_its_groups(tmp_path: Path) -> None:
    run("machiai", "inventory", str(CITY), "--out", str(tmp_path))
    listed = json.loads(run("ansible-inventory", "--inventory", str(tmp_path), "--list"))
    known = listed["_meta"]["hostvars"]
    assert set(known) == {f"{site.id}.{machine}" for site in SITES for machine in machines(site)}
    for site in SITES:
        office = listed[f"site_{site.id.replace('-', '_')}"]["hosts"]
        assert set(office) == {f"{site.id}.{machine}" for machine in machines(site)}
        assert known[f"{site.id}.hub"]["machiai_broker_host"] == site.broker.host
        read = known[f"{site.id}.hub"]["machiai_site_file"].replace(
            "{{ inventory_dir }}", str(tmp_path)
        )
        assert Path(read).resolve() == CITY / f"{site.id}.toml"
    assert set(listed["hub"]["hosts"]) == {f"{site.id}.hub" for site in SITES}
    assert set(listed["hub"]["hosts"]) == set(listed["web"]["hosts"])


def test_the_offices_have_what_offices_have() -> None:
    kinds = [
        {sensor["kind"] for device in site.devices for sensor in device.sensors} for site in SITES
    ]
    for wanted in ({"ticket", "camera", "gate"}, {"button"}, {"queue"}, {"gate", "camera"}):
        assert wanted in kinds
    assert any(not site.displays for site in SITES)
    assert any(not site.services for site in SITES)
    assert len({site.broker.host for site in SITES}) == len(SITES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_named_like_its_office(path: Path) -> None:
    site = SITES[FILES.index(path)]
    assert site.id == path.stem
    assert set(site.site.name) >= {"ja", "en"}
