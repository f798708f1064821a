"""A blank Debian boots with our files on its card, and Ansible can come. MACHIAI_BOOT=whole."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from broker.first_boot import USER, Fixed, files, fixed_of, keys_in
from models.site import Site, parse
from tests.provision.boot.nest import GATEWAY, Machine, Nest
from tests.provision.boot.office import OFFICE
from tests.provision.boot.root import root

if os.environ.get("MACHIAI_BOOT") != "whole" or os.geteuid() != 0:
    pytest.skip("boots machines, as root: sudo MACHIAI_BOOT=whole", allow_module_level=True)

pytestmark = pytest.mark.timeout(900)

ADDRESS = "10.99.0.21"
AS_ON_A_PI = """\
datasource_list: [ NoCloud, None ]
datasource:
  NoCloud:
    seedfrom: file:///boot/firmware
"""
"""Raspberry Pi OS says so: cloud-init reads the part of the card that every computer can write."""

BY_THE_INSTALLER = f"""\
[Match]
Name=host0
[Network]
Address={ADDRESS}/24
Gateway={GATEWAY}
"""

SITE: Site = parse(OFFICE.read_text(encoding="utf-8"), str(OFFICE), str(OFFICE.parent))


class Blank(Machine):
    """A Debian as it comes out of its box: with no name, no user, no key and no network."""

    card: Mapping[str, str]
    settings: Mapping[str, str] = MappingProxyType({})
    packages: tuple[str, ...] = ()

    def _prepare(self, upper: Path) -> None:
        merged, work = self.folder / "root", self.folder / "work"
        for folder in (upper, merged, work):
            folder.mkdir(parents=True)
        texts = {
            "etc/hostname": "blank\n",
            "etc/machine-id": "",
            "etc/resolv.conf": Path("/etc/resolv.conf").read_text(),
            "etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg": AS_ON_A_PI,
            **{f"boot/firmware/{name}": text for name, text in self.card.items()},
            **self.settings,
        }
        layers = f"lowerdir={root(self.suite)},upperdir={upper},workdir={work}"
        self.nest.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(merged)])
        install = "DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends"
        if self.packages:
            script = f"apt-get -qq update && {install} {' '.join(self.packages)}"
            self.nest.run(["chroot", str(merged), "sh", "-euc", script])
        self.nest.run(["chroot", str(merged), "systemctl", "enable", "systemd-networkd"])
        for path, text in texts.items():
            (upper / path).parent.mkdir(parents=True, exist_ok=True)
            (upper / path).write_text(text)
        self.nest.run(["umount", str(merged)])


@pytest.fixture(scope="module")
def nest() -> Iterator[Nest]:
    """Networks and machines of this module, gone after it."""
    made = Nest("first-boot")
    made.start()
    try:
        yield made
    finally:
        made.end()


def fixed() -> Fixed:
    said = fixed_of(f"{ADDRESS}/24", GATEWAY, GATEWAY)
    assert said is not None
    return said


def said(machine: Machine, *words: str) -> str:
    """By ssh, with the one key."""
    return machine.nest.ssh(machine, *words).stdout.strip()


def blank(nest: Nest, name: str, *packages: str, seeded: bool) -> Blank:
    key = keys_in(nest.key.with_suffix(".pub").read_text(encoding="utf-8"))
    card = files(SITE, "cam-lobby", key, fixed())
    machine = Blank(nest, name, ADDRESS, "trixie")
    # The cable of a container has another name than that of a Pi.
    machine.card = {
        file: text.replace("eth0", "host0")
        for file, text in card.items()
        if seeded or file == "first-boot.sh"
    }
    machine.packages = packages
    machine.folder.mkdir(parents=True, exist_ok=True)
    return machine


def assert_is_ready(machine: Machine) -> None:
    assert said(machine, "hostname") == "cam-lobby"
    assert said(machine, "sudo", "-n", "id", "-u") == "0"
    assert said(machine, "readlink", "/etc/localtime").endswith("/Asia/Tokyo")
    for user in (USER, "root"):
        assert said(machine, "sudo", "passwd", "--status", user).split()[1] == "L"
    door = said(machine, "sudo", "sshd", "-T")
    assert "passwordauthentication no" in door.splitlines()
    assert "permitrootlogin yes" not in door.splitlines()
    by_root = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-i"]
    refused = machine.nest.run(
        [*by_root, str(machine.nest.key), f"root@{ADDRESS}", "true"], check=False
    )
    assert refused.returncode != 0


def test_a_blank_card_comes_up_with_its_name_and_one_key(nest: Nest) -> None:
    machine = blank(nest, "card", "cloud-init", seeded=True)
    machine.start()
    try:
        machine.wait()
        machine.sh("cloud-init", "status", "--wait", check=False)
        assert_is_ready(machine)
        assert said(machine, "ls", "/etc/cloud/cloud-init.disabled")
        # Somebody writes another name onto the card: it is not read again.
        machine.sh("sed", "-i", "s/^hostname: .*/hostname: thief/", "/boot/firmware/user-data")
        machine.sh("sed", "-i", "s/^instance-id: .*/instance-id: x/", "/boot/firmware/meta-data")
        machine.sh("sync")
        machine.cut()
        machine.start()
        machine.wait()
        assert said(machine, "hostname") == "cam-lobby"
    finally:
        machine.cut()


def test_the_script_does_the_same_where_debian_was_installed_by_hand(nest: Nest) -> None:
    machine = blank(nest, "by-hand", seeded=False)
    machine.settings = {"etc/systemd/network/10-host0.network": BY_THE_INSTALLER}
    machine.start()
    try:
        # Nobody can log in yet, so the control machine cannot wait by ssh.
        up = "until systemctl --quiet is-active systemd-networkd; do sleep 0.2; done"
        machine.sh("timeout", "120", "sh", "-c", up)
        machine.sh("ssh-keygen", "-A")
        machine.sh("useradd", "--create-home", "clerk")
        machine.sh("sh", "-c", "echo clerk:$(head -c 12 /dev/urandom | base64) | chpasswd")
        machine.sh("apt-get", "-qq", "update")
        script = ["env", "SUDO_USER=clerk", "sh", "/boot/firmware/first-boot.sh"]
        told = machine.sh(*script, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
        assert told.stdout.splitlines()[-1].startswith("cam-lobby is ready")
        machine.wait()
        assert_is_ready(machine)
        assert said(machine, "sudo", "passwd", "--status", "clerk").split()[1] == "L"
        machine.sh(*script)  # it may be run twice
    finally:
        machine.cut()
