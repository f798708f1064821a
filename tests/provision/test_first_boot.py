"""A blank SD card comes up with its name, and the one key opens it."""

import json
import shutil
import subprocess
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from broker.first_boot import USER, Fixed, files, fixed_of, keys_in, machines
from machiai import EXAMPLE, main
from models.errors import BadUsage
from models.site import parse

SITE = parse(EXAMPLE.read_text(encoding="utf-8"), str(EXAMPLE), str(EXAMPLE.parent))
FIXED = Fixed(
    address=IPv4Interface("192.0.2.21/24"),
    gateway=IPv4Address("192.0.2.1"),
    dns=IPv4Address("192.0.2.2"),
)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public key that ssh-keygen has just made."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: apt-get install openssh-client")
    key = tmp_path_factory.mktemp("ssh") / "id"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a: [comment", "-f", str(key)]
    subprocess.run(made, check=True)
    return key.with_suffix(".pub")


@pytest.fixture(scope="module")
def cloud_init() -> str:
    """Debian's cloud-init."""
    found = shutil.which("cloud-init")
    if found is None:
        pytest.skip("cloud-init is not installed: apt-get install cloud-init")
    return found


def card(out: Path, public: Path, *more: str, device: str = "cam-lobby") -> int:
    return main(
        [
            "first-boot",
            str(EXAMPLE),
            "--device",
            device,
            "--key",
            str(public),
            "--out",
            str(out),
            *more,
        ]
    )


@pytest.mark.parametrize("device", machines(SITE))
def test_each_machine_comes_up_with_its_own_name(device: str, public: Path, tmp_path: Path) -> None:
    assert card(tmp_path, public, device=device) == 0
    said = YAML(typ="safe").load((tmp_path / "user-data").read_text(encoding="utf-8"))
    meta = YAML(typ="safe").load((tmp_path / "meta-data").read_text(encoding="utf-8"))
    assert said["hostname"] == meta["local-hostname"] == device
    assert meta["instance-id"] == f"minami-{device}"
    assert (tmp_path / "user-data").read_text(encoding="utf-8").startswith("#cloud-config\n")


def test_the_key_is_the_only_way_in(public: Path, tmp_path: Path) -> None:
    card(tmp_path, public)
    said = YAML(typ="safe").load((tmp_path / "user-data").read_text(encoding="utf-8"))
    (user,) = said["users"]
    assert user["name"] == USER
    assert user["ssh_authorized_keys"] == [public.read_text(encoding="utf-8").rsplit(" ", 2)[0]]
    assert user["lock_passwd"] is True
    assert said["ssh_pwauth"] is False
    assert said["disable_root"] is True
    whole = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    for word in ("plain_text_passwd", "passwd:", "hashed_passwd", "chpasswd", "PRIVATE"):
        assert word not in whole.replace("lock_passwd:", "")


def test_cloud_init_takes_what_we_write(cloud_init: str, public: Path, tmp_path: Path) -> None:
    card(tmp_path, public)
    schema = [cloud_init, "schema", "--config-file", str(tmp_path / "user-data")]
    done = subprocess.run(schema, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Valid" in done.stdout
    assert "warning" not in (done.stdout + done.stderr).lower()


@pytest.mark.parametrize("kind", ["networkd", "netplan", "network-manager"])
@pytest.mark.parametrize("fixed", [None, FIXED], ids=["by DHCP", "fixed"])
def test_cloud_init_makes_a_network_of_it(
    cloud_init: str, kind: str, fixed: Fixed | None, tmp_path: Path
) -> None:
    made = files(SITE, "gates", ["ssh-ed25519 A"], fixed)["network-config"]
    (tmp_path / "network-config").write_text(made, encoding="utf-8")
    convert = [cloud_init, "devel", "net-convert", "-p", str(tmp_path / "network-config")]
    convert += ["-k", "yaml", "-d", str(tmp_path / "out"), "-D", "debian", "-O", kind]
    done = subprocess.run(convert, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted((tmp_path / "out").rglob("*"))
        if path.is_file()
    )
    assert "eth0" in told
    wanted = ["192.0.2.21/24", "192.0.2.1", "192.0.2.2"]
    assert [text for text in wanted if text in told] == (wanted if fixed else [])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--address", "192.0.2.21/24"], "together"),
        (["--address", "no", "--gateway", "192.0.2.1", "--dns", "192.0.2.1"], "192.0.2.21/24"),
        (["--address", "10.0.0.9/24", "--gateway", "192.0.2.1", "--dns", "::1"], "::1"),
        (
            ["--address", "10.0.0.9/24", "--gateway", "192.0.2.1", "--dns", "10.0.0.1"],
            "want a gateway in 10.0.0.0/24",
        ),
        (["--device", "attic"], "want one of hub, desk,"),
    ],
    ids=["half an address", "no address", "another kind", "a gateway elsewhere", "no such device"],
)
def test_what_is_wrong_is_said_in_a_line(
    more: list[str], said: str, public: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert card(tmp_path, public, *more) == 64
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_private_key_is_never_written(public: Path, tmp_path: Path) -> None:
    assert card(tmp_path, public.with_suffix("")) == 64
    assert card(tmp_path, tmp_path / "none.pub") == 66
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "line", ["", "ssh-dss " + "A" * 80, "ssh-ed25519 short", 'ssh-ed25519 "]\nroot: x', "hello"]
)
def test_a_strange_key_is_refused(line: str) -> None:
    with pytest.raises(BadUsage):
        keys_in(line)


def test_several_keys_are_several_people(public: Path) -> None:
    one = public.read_text(encoding="utf-8")
    assert len(keys_in(one + "\n" + one)) == 2
    listed = files(SITE, "desk", keys_in(one + one))["user-data"]
    assert len(YAML(typ="safe").load(listed)["users"][0]["ssh_authorized_keys"]) == 2


def test_dhcp_is_what_holds_without_an_address() -> None:
    assert fixed_of(None, None, None) is None
    assert fixed_of("192.0.2.21/24", "192.0.2.1", "192.0.2.2") == FIXED


def test_the_script_for_a_machine_with_debian_parses(public: Path, tmp_path: Path) -> None:
    card(tmp_path, public, device="hub")
    done = subprocess.run(["sh", "-n", str(tmp_path / "first-boot.sh")], check=False)
    assert done.returncode == 0
    script = (tmp_path / "first-boot.sh").read_text(encoding="utf-8")
    assert "$$" not in script
    assert json.dumps(keys_in(public.read_text(encoding="utf-8"))[0])[1:-1] in script
