"""What a blank SD card needs before Ansible can come: its name, and whose ssh key opens it.

The files are those of cloud-init's NoCloud, as Raspberry Pi OS (trixie) reads them from the part of
its card that every computer can write, and a script for a machine on which Debian runs already.
Templates lie in `ansible/first-boot`, so this is for a clone, where the playbooks are, too.
"""

import re
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from string import Template

import msgspec

from models.contract.topics import HUB
from models.errors import BadUsage, Missing
from models.site import Site

FOLDER = Path(__file__).parent.parent / "ansible" / "first-boot"
USER = "machiai"
"""Who runs the playbooks on each machine, by ssh and sudo; its password is locked."""

_KEY = re.compile(
    r"(?P<key>(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|"
    r"sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]{64,}={0,2})(?: .*)?"
)


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """An address of its own, where no DHCP gives one."""

    address: IPv4Interface
    gateway: IPv4Address
    dns: IPv4Address


def fixed_of(address: str | None, gateway: str | None, dns: str | None) -> Fixed | None:
    """What the three options say; None is DHCP.

    Raises:
        BadUsage: one of three, or no address.
    """
    if address is None and gateway is None and dns is None:
        return None
    if address is None or gateway is None or dns is None:
        raise BadUsage("want --address, --gateway and --dns together, or none of them")
    try:
        fixed = Fixed(
            address=IPv4Interface(address), gateway=IPv4Address(gateway), dns=IPv4Address(dns)
        )
    except ValueError as error:
        raise BadUsage(f"want addresses as 192.0.2.21/24 and 192.0.2.1, got: {error}") from None
    if fixed.gateway not in fixed.address.network:
        raise BadUsage(f"want a gateway in {fixed.address.network}, got {gateway} - at --gateway")
    return fixed


def keys_in(text: str) -> list[str]:
    """The public keys of a `.pub` file, without what stands behind them.

    Raises:
        BadUsage: there is none, or something else.
    """
    keys = []
    for line in filter(None, map(str.strip, text.splitlines())):
        found = _KEY.fullmatch(line)
        if found is None:
            raise BadUsage(f"want public keys as ssh-keygen writes them, got {line[:16]!r}…")
        keys.append(found["key"])
    if not keys:
        raise BadUsage("want a public key as ssh-keygen writes it, got nothing")
    return keys


def machines(site: Site) -> list[str]:
    """The host names of an office."""
    devices = [device.id for device in site.devices]
    return [HUB, *devices, *(display.id for display in site.displays)]


def files(site: Site, device: str, keys: list[str], fixed: Fixed | None = None) -> dict[str, str]:
    """What is written for one machine, by file name.

    Raises:
        BadUsage: the site file knows no such machine.
        Missing: the templates are not here.
    """
    if device not in machines(site):
        known = ", ".join(machines(site))
        raise BadUsage(f"want one of {known}, got {device!r} - at --device")
    said = {
        "name": device,
        "site": site.id,
        "timezone": site.site.timezone,
        "user": USER,
        "keys": "\n".join(keys),
        "listed": ", ".join(f'"{key}"' for key in keys),
    }
    network = "network-config"
    if fixed is not None:
        network = "network-config-fixed"
        said |= {key: str(value) for key, value in msgspec.structs.asdict(fixed).items()}
    templates = {
        "user-data": "user-data",
        "meta-data": "meta-data",
        "network-config": network,
        "first-boot.sh": "first-boot.sh",
    }
    return {name: _template(source).substitute(said) for name, source in templates.items()}


def _template(name: str) -> Template:
    try:
        return Template((FOLDER / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Missing(f"want a clone, with {FOLDER / name}, got an installed machiai") from None
