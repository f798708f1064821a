"""The units as Ansible renders them, judged by `systemd-analyze security`, and nginx's page.

That the programs start and work under these restrictions is shown where machines are booted.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ANSIBLE = ROOT / "ansible"
LIMIT = 15
"""Of `systemd-analyze security`, in tenths."""

BROWSER_LIMIT = 21
"""Of the browser. Without its own sandbox it would be 1.2, and nothing kept its pages apart."""

SITE = """
[site]
id = "minami"
name = { en = "Minami Ward Office" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
url = "https://machiai.example.jp/"

[[devices]]
id = "cam-usb"
sensors = [{ kind = "camera", source = "/dev/video0" }]

[[devices]]
id = "cam-own"
sensors = [{ kind = "camera", source = "rpicam:0" }]

[[devices]]
id = "cam-net"
sensors = [{ kind = "camera", source = "rtsp://192.0.2.20/stream1" }]

[[devices]]
id = "gates"
sensors = [{ kind = "gate", gate = "front-in", pins = [17] }]

[[devices]]
id = "desk"
sensors = [{ kind = "ticket", source = "serial:///dev/ttyUSB0?baud=9600", pattern = "." }]

[[devices]]
id = "desk-id"
sensors = [{ kind = "ticket", source = "serial:///dev/serial/by-id/usb-x", pattern = "." }]

[[devices]]
id = "desk-net"
sensors = [{ kind = "ticket", source = "listen://0.0.0.0:4001", pattern = "." }]

[[devices]]
id = "bridge"

[[devices.sensors]]
kind = "webhook"
listen = "0.0.0.0:8790"
cert = "/etc/machiai/hooks.pem"
key = "/etc/machiai/hooks.key"

[[devices.sensors.hooks]]
kind = "json"
name = "door"
token_file = "/etc/machiai/hook-door"
value = "/open"
gate = "front-in"

[[devices.sensors]]
kind = "mqtt"
broker = "mqtt://192.0.2.30"
user = "machiai"
password_file = "/etc/machiai/mqtt-word"
topic = "hall/people"
zone = "lobby"

[[displays]]
id = "lobby-1"

[[displays]]
id = "hall-1"
switch = { pin = 4 }
awake = {}

[broker]
host = "hub.minami.example.jp"
port = 8884

[notify.mail]
from = "junban@minami.example.jp"
user = "junban"
password_file = "/etc/machiai/smtp-word"

[influx]
url = "https://influx.example.jp"
token_file = "/etc/machiai/influx-token"

[homeassistant.broker]
host = "ha.example.jp"
user = "machiai"
password_file = "/etc/machiai/ha-word"
"""

EDGES = ["cam-usb", "cam-own", "cam-net", "gates", "desk", "desk-id", "desk-net", "bridge"]
DISPLAYS = ["lobby-1", "hall-1"]
OURS = [
    ("hub", "machiai-hub"),
    ("hub", "machiai-web"),
    ("hub", "machiai-homeassistant"),
    *((host, "machiai-edge") for host in EDGES),
    *((host, "machiai-display") for host in DISPLAYS),
]
DEBIANS = ["mosquitto", "nginx"]
STARTS = ["broker", "hub", "homeassistant", "web", "web_nginx", "edge", "display", "display_kiosk"]

PLAY = """
- { hosts: hub, gather_facts: false, roles: [broker, hub, homeassistant, web] }
- { hosts: edge, gather_facts: false, roles: [edge] }
- { hosts: display, gather_facts: false, roles: [display] }
"""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each machine with the units that it gets."""
    if os.geteuid() != 0:
        pytest.skip("units belong to root: run this as root")
    program = Path(sys.executable).with_name("ansible-playbook")
    if not program.exists():
        pytest.skip("ansible-core is not installed: sh tools/venv.sh dev")
    folder = tmp_path_factory.mktemp("units")
    (folder / "templates").symlink_to(ANSIBLE / "templates")  # beside the playbook
    (folder / "play.yml").write_text(PLAY)
    (folder / "site.toml").write_text(SITE)
    for host in ["hub", *EDGES, *DISPLAYS]:
        (folder / host).mkdir()
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "machiai_id": "{{ inventory_hostname }}",
        "machiai_site_file": str(folder / "site.toml"),
        "site_units": f"{folder}/{{{{ inventory_hostname }}}}",
        "web_nginx": f"{folder}/nginx.conf",
        "web_has_ipv6": True,
        "web_staff_networks": ["192.0.2.0/24"],
        # As if all had just been started: nothing of this computer is restarted.
        **{f"{name}_start": {"changed": True} for name in STARTS},
    }
    groups = {"hub": ["hub"], "edge": EDGES, "display": DISPLAYS}
    children = {group: {"hosts": dict.fromkeys(hosts)} for group, hosts in groups.items()}
    (folder / "hosts.json").write_text(json.dumps({"all": {"children": children}}))
    words = [str(program), "-i", "hosts.json", "play.yml", "--tags", "units"]
    done = subprocess.run(
        [*words, "-e", json.dumps(variables)],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_ROLES_PATH": str(ANSIBLE / "roles"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        },
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def lines(unit: Path) -> list[str]:
    return unit.read_text().splitlines()


def values(unit: Path, key: str) -> list[str]:
    return [line.partition("=")[2] for line in lines(unit) if line.startswith(f"{key}=")]


def judge(unit: Path, limit: int) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    words = [program, "security", "--offline=true", "--no-pager", f"--threshold={limit}"]
    done = subprocess.run([*words, str(unit)], check=False, capture_output=True, text=True)
    weak = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert done.returncode == 0, "\n".join([*weak, done.stdout[-200:], done.stderr])


@pytest.mark.parametrize(("host", "unit"), OURS, ids=[f"{h}-{u}" for h, u in OURS])
def test_a_unit_of_ours_may_do_little(rendered: Path, host: str, unit: str) -> None:
    judge(rendered / host / f"{unit}.service", LIMIT)


@pytest.mark.parametrize("host", DISPLAYS)
def test_the_browser_may_do_what_its_sandbox_needs_and_no_more(rendered: Path, host: str) -> None:
    judge(rendered / host / "machiai-kiosk.service", BROWSER_LIMIT)


@pytest.mark.parametrize("name", DEBIANS)
def test_of_debians_units_little_is_left(rendered: Path, name: str) -> None:
    found = [
        path
        for folder in ("/lib/systemd/system", "/usr/lib/systemd/system")
        if (path := Path(folder) / f"{name}.service").exists()
    ]
    if not found:
        pytest.skip(f"{name} is not installed: apt-get install {name}")
    drop_in = (rendered / "hub" / f"{name}.service.d" / "machiai.conf").read_text()
    whole = rendered / f"{name}.service"
    whole.write_text(found[0].read_text() + drop_in)  # as systemd reads one after the other
    judge(whole, LIMIT)


@pytest.mark.parametrize(("host", "unit"), OURS, ids=[f"{h}-{u}" for h, u in OURS])
def test_systemd_restarts_it_and_nothing_of_it_reaches_a_disk(
    rendered: Path, host: str, unit: str
) -> None:
    file = rendered / host / f"{unit}.service"
    wanted = {
        "Type": "notify",
        "Restart": "always",
        "WatchdogSec": "60",
        "StartLimitIntervalSec": "0",
        "LimitCORE": "0",
        "MemorySwapMax": "0",
        "MemoryDenyWriteExecute": "yes",
        "Environment": "ORT_DISABLE_TELEMETRY=1",
    }
    assert {key: values(file, key)[0] for key in wanted} == wanted
    whose = unit.removeprefix("machiai-")
    name = whose if host == "hub" else host
    assert f"{name}.key:/etc/machiai/pki/{name}.key" in values(file, "LoadCredential")


@pytest.mark.parametrize(
    ("host", "devices", "groups"),
    [
        ("cam-usb", ["char-video4linux rw"], ["video"]),
        ("cam-own", ["char-video4linux rw", "char-media rw", "char-dma_heap rw"], ["video"]),
        ("cam-net", [], []),
        ("gates", ["char-gpiochip rw"], ["gpio"]),
        ("desk", ["char-ttyUSB rw"], ["dialout"]),
        ("desk-id", ["char-ttyUSB rw", "char-ttyACM rw"], ["dialout"]),
        ("desk-net", [], []),
        ("bridge", [], []),
    ],
)
def test_an_edge_has_the_devices_of_its_sensors_alone(
    rendered: Path, host: str, devices: list[str], groups: list[str]
) -> None:
    unit = rendered / host / "machiai-edge.service"
    assert values(unit, "DeviceAllow") == devices
    assert values(unit, "SupplementaryGroups") == groups
    assert values(unit, "DevicePolicy" if devices else "PrivateDevices") == [
        "closed" if devices else "yes"
    ]
    listens = {"desk-net": ["tcp:4001"], "bridge": ["tcp:8790"]}
    assert values(unit, "SocketBindAllow") == listens.get(host, [])
    assert values(unit, "SocketBindDeny") == ["any"]


def test_a_display_has_pins_and_panel_only_if_it_needs_them(rendered: Path) -> None:
    plain, wired = (rendered / host / "machiai-display.service" for host in DISPLAYS)
    assert values(plain, "DeviceAllow") == []
    assert values(wired, "DeviceAllow") == ["char-gpiochip rw", "char-cec rw"]


def test_the_hub_and_the_web_process_have_no_devices_and_the_web_its_secrets(
    rendered: Path,
) -> None:
    hub, web = (rendered / "hub" / f"machiai-{name}.service" for name in ("hub", "web"))
    assert values(hub, "PrivateDevices") == values(web, "PrivateDevices") == ["yes"]
    assert "smtp-word:/etc/machiai/smtp-word" in values(web, "LoadCredential")
    assert values(hub, "SocketBindAllow") == []


def test_an_agent_the_hub_and_home_assistants_adapter_have_the_secrets_that_they_name(
    rendered: Path,
) -> None:
    def secrets(host: str, unit: str) -> set[str]:
        handed = values(rendered / host / f"{unit}.service", "LoadCredential")
        return {Path(one.partition(":")[2]).name for one in handed if "/pki/" not in one}

    assert secrets("bridge", "machiai-edge") == {"hook-door", "hooks.key", "mqtt-word"}
    assert secrets("gates", "machiai-edge") == set()
    assert secrets("hub", "machiai-hub") == {"influx-token"}
    assert secrets("hub", "machiai-homeassistant") == {"ha-word"}


def test_the_hub_is_copied_each_night_by_who_may_do_little(rendered: Path) -> None:
    unit = rendered / "hub" / "machiai-backup.service"
    judge(unit, LIMIT)
    assert values(unit, "User") == ["machiai-hub"]
    assert values(unit, "RestrictAddressFamilies") == ["AF_UNIX"]
    assert values(rendered / "hub" / "machiai-backup.timer", "Persistent") == ["true"]


def test_the_broker_may_have_the_one_port_of_the_site_file(rendered: Path) -> None:
    drop_in = rendered / "hub" / "mosquitto.service.d" / "machiai.conf"
    assert values(drop_in, "SocketBindAllow") == ["tcp:8884"]


def test_nginx_serves_the_page_of_the_documents_on_443_alone(rendered: Path) -> None:
    served = (rendered / "nginx.conf").read_text()
    page = (ROOT / "docs" / "nginx" / "machiai.conf").read_text()
    before, after = page.split("    listen 80;\n    server_name _;\n")
    assert before in served
    assert after.rstrip() in served
    listens = re.findall(r"^\s*listen (.+);", served, re.MULTILINE)
    assert listens == ["443 ssl http2", "[::]:443 ssl http2"]
    assert "server_name machiai.example.jp;" in served
    assert values(rendered / "hub" / "nginx.service.d" / "machiai.conf", "SocketBindAllow") == [
        "tcp:443"
    ]


def test_nginx_takes_the_page(rendered: Path) -> None:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    key, cert = rendered / "https.key", rendered / "https.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-nodes", "-subj", "/CN=x", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True)
    text = (rendered / "nginx.conf").read_text()
    for there in ("/run/credentials/nginx.service", "/var/cache/nginx", "/run/nginx"):
        assert there in text
        text = text.replace(there, str(rendered))
    conf = rendered / "tried.conf"
    conf.write_text(text)
    words = [program, "-t", "-c", str(conf), "-e", "stderr", "-p", str(rendered)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
