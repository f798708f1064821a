"""The inventory that is made from the site files."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from broker import inventory
from broker.inventory import Office, Way, hosts, text, write
from models.errors import BadSite, BadUsage
from models.site import Site, parse
from tests.conftest import ROOT

SITES = ROOT / "ansible" / "sites"


def office(more: str = "", *, site: str = "minami", broker: str = "hub.minami.example.jp") -> Site:
    return parse(
        f"""
        [site]
        id = "{site}"
        name = {{ en = "Office" }}
        hours = [{{ days = "mon-fri", open = "08:30", close = "17:15" }}]
        {more}
        [broker]
        host = "{broker}"
        """
    )


DESK = '[[devices]]\nid = "desk"\n'


def of(site: Site, **addresses: str) -> dict[str, inventory.Host]:
    made = hosts([Office(site=site, path="site.toml")], addresses)
    return {host.name: host for host in made[site.id]}


def test_each_machine_of_the_example_is_there_once(tmp_path: Path) -> None:
    path = SITES / "example.toml"
    made = write([(path, parse(path.read_text(), str(path), str(SITES)))], tmp_path)
    assert [host.name for host in made] == [
        *("hub", "desk", "cam-lobby", "cam-door", "gates", "cam-lot", "hall"),
        *("lobby-1", "hall-1", "guide-1"),
    ]
    assert {host.name for host in made if "pins" in host.groups} == {"gates", "hall"}


def test_the_one_in_the_tree_is_of_the_example() -> None:
    folder = ROOT / "ansible" / "inventory" / "example"
    made = Office(
        site=parse((SITES / "example.toml").read_text()),
        path="../../sites/example.toml",
        guide="../../sites/example-guide.toml",
        content="../../sites/example-content",
    )
    assert (folder / inventory.HOSTS).read_text() == text([made], {})


def test_ansible_reads_it(tmp_path: Path) -> None:
    path = SITES / "example.toml"
    write([(path, parse(path.read_text(), str(path), str(SITES)))], tmp_path)
    program = Path(sys.executable).with_name("ansible-inventory")
    if not program.exists():
        pytest.skip("ansible-core is not installed: sh tools/venv.sh dev")
    words = [str(program), "-i", str(tmp_path), "--list"]
    listed: dict[str, Any] = json.loads(
        subprocess.run(words, check=True, capture_output=True, text=True).stdout
    )
    lot = listed["_meta"]["hostvars"]["cam-lot"]
    assert lot["machiai_ways"] == [
        {"host": "192.0.2.20", "port": 554, "user": "machiai-edge", "is_address": True}
    ]
    assert lot["ansible_host"] == "cam-lot.minami.example.jp"
    assert lot["machiai_admins"] == []
    assert listed["edge"]["hosts"] == ["desk", "cam-lobby", "cam-door", "gates", "cam-lot", "hall"]
    assert listed["hub"]["hosts"] == listed["web"]["hosts"] == ["hub"]


def test_what_staff_wrote_is_left_alone(tmp_path: Path) -> None:
    write([(tmp_path / "minami.toml", office(DESK))], tmp_path)
    staff = tmp_path / inventory.STAFF
    staff.write_text("machiai_admins: [192.0.2.10]\n")
    (tmp_path / inventory.ADDRESSES).write_text('"desk" = "192.0.2.21"\n')
    made = write([(tmp_path / "minami.toml", office(DESK))], tmp_path)
    assert [host.address for host in made] == ["hub.minami.example.jp", "192.0.2.21"]
    assert staff.read_text() == "machiai_admins: [192.0.2.10]\n"


def test_names_of_several_offices_begin_with_the_office() -> None:
    minami = Office(site=office(DESK), path="a")
    kita = Office(site=office(DESK, site="kita", broker="hub.kita.example.jp"), path="b")
    made = hosts([minami, kita], {"kita.desk": "192.0.2.7"})
    assert [host.name for host in made["kita"]] == ["kita.hub", "kita.desk"]
    assert [host.id for host in made["kita"]] == ["hub", "desk"]
    assert [host.address for host in made["kita"]] == ["hub.kita.example.jp", "192.0.2.7"]
    assert "    site_kita:\n" in text([minami, kita], {})


def test_offices_that_share_a_hub_are_refused() -> None:
    with pytest.raises(BadSite, match="want a hub for each office"):
        hosts([Office(site=office(), path="a"), Office(site=office(site="kita"), path="b")], {})


def test_an_address_for_nobody_is_refused() -> None:
    with pytest.raises(BadUsage, match="want machines of desk, hub, got 'dsek'"):
        of(office(DESK), dsek="192.0.2.7")


def test_without_names_each_needs_an_address() -> None:
    site = office(DESK, broker="192.0.2.1")
    with pytest.raises(BadUsage, match="want the address of desk, got none"):
        of(site)
    assert of(site, desk="192.0.2.7")["hub"].address == "192.0.2.1"


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(BadSite, match="got 'desk'"):
        of(office(DESK + '[[displays]]\nid = "desk"\n'))


@pytest.mark.parametrize(
    ("sensor", "wanted"),
    [
        ('kind = "camera"\nsource = "rtsp://cam.example.jp/1"', ("cam.example.jp", 554)),
        ('kind = "queue"\nurl = "https://192.0.2.9:8443/q"', ("192.0.2.9", 8443)),
        ('kind = "ticket"\nsource = "tcp://192.0.2.8:4001"', ("192.0.2.8", 4001)),
        ('kind = "jma"', ("www.data.jma.go.jp", 443)),
        ('kind = "mqtt"\nbroker = "mqtts://z.example.jp"\nsource = "x"', ("z.example.jp", 8883)),
        ('kind = "modbus"\nhost = "192.0.2.6"\ninputs = []', ("192.0.2.6", 502)),
        (
            'kind = "bookings"\nsource = "https://yoyaku.example.jp/a.csv"',
            ("yoyaku.example.jp", 443),
        ),
        ('kind = "mqtt"\nsource = "x"\nclient = "z2m"', None),
        ('kind = "camera"\nsource = "/dev/video0"', None),
        ('kind = "ticket"\nsource = "listen://0.0.0.0:4001"', None),
        ('kind = "ticket"\nsource = "serial:///dev/ttyUSB0?baud=9600"', None),
    ],
)
def test_where_a_sensor_goes_beside_the_hub(sensor: str, wanted: tuple[str, int] | None) -> None:
    desk = of(office(f"{DESK}[[devices.sensors]]\n{sensor}\n"))["desk"]
    ways = [Way(host=wanted[0], port=wanted[1], user="machiai-edge")] if wanted else []
    assert list(desk.ways) == ways


def test_where_the_hub_and_homeassistant_go() -> None:
    plain, more = (
        office(DESK),
        '[influx]\nurl = "https://influx.example.jp"\n[homeassistant.broker]\n',
    )
    told = of(office(DESK + more + 'host = "192.0.2.40"\n'))["hub"]
    assert of(plain)["hub"].groups == ("hub", "web")
    assert told.groups == ("hub", "web", "homeassistant")
    assert list(told.ways) == [
        Way(host="influx.example.jp", port=443, user="machiai-hub"),
        Way(host="192.0.2.40", port=1883, user="machiai-homeassistant"),
    ]
