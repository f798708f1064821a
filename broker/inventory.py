"""Ansible's inventory, made from the site files: which machines there are, where, and what each is.

`hosts.yml` is written anew each time. What staff decide lies beside it and is theirs:
`addresses.toml` (where the name server does not know the machines) and `group_vars/all.yml`.
"""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from broker import acl
from broker.first_boot import USER
from models.contract.topics import HUB
from models.errors import BadSite, BadUsage
from models.site import Device, Site

HOSTS, ADDRESSES, STAFF = "hosts.yml", "addresses.toml", "group_vars/all.yml"

_PORTS = {
    "http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "mqtt": 1883, "mqtts": 8883, "tcp": None,
}  # fmt: skip
_HTTPS, _MODBUS = 443, 502
_PINS = frozenset({"button", "gate"})
"""Kinds of sensors that are wired to GPIO."""
_SOURCES = {"jma": "https://www.data.jma.go.jp/"}
"""Where a sensor looks that need not be told."""

STAFFS = f"""\
# This file is yours: `machiai inventory` wrote it once and leaves it alone.

# From which addresses staff come to the machines by ssh: that of this computer first of all.
# Nobody else reaches their port 22. Addresses or networks: [192.0.2.10, 192.0.2.32/28]
machiai_admins: []

# Where machines get the time from: your city's own servers if it has any.
machiai_ntp: [ntp.nict.jp]

# A ticket machine that comes to one of ours (`listen://` in the site file) is let in by a line in
# host_vars/THAT-MACHINE.yml:  machiai_let_in: [{{ port: 9100, from: 192.0.2.30 }}]

# Who runs the playbooks on each machine: `machiai first-boot` makes that user.
ansible_user: {USER}
ansible_become: true
"""


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """One site file, where it and its guide lie as seen from the inventory, and what is shown."""

    site: Site
    path: str
    guide: str | None = None
    content: str | None = None


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Somewhere beyond the hub that one of our processes must reach."""

    host: str
    port: int
    user: str

    @property
    def is_address(self) -> bool:
        """Whether the firewall can name it; else it can only name the port and who goes."""
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """One machine."""

    name: str
    """In the inventory: the id, or `<site>.<id>` of several offices."""
    id: str
    address: str
    groups: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()


def hosts(offices: Sequence[Office], addresses: Mapping[str, str]) -> dict[str, list[Host]]:
    """The machines of each office, by its id.

    Args:
        offices: one, or several that have a broker each.
        addresses: by the name in the inventory, where names are not known to DNS.

    Raises:
        BadSite: an id twice, or offices that share a broker.
        BadUsage: an address for nobody, or none for somebody.
    """
    sites = [office.site for office in offices]
    acl.names(sites)
    brokers: dict[str, str] = {}
    for site in sites:
        if (other := brokers.setdefault(site.broker.host, site.id)) != site.id:
            raise BadSite(
                f"want a hub for each office, got {site.broker.host} for {other} and {site.id}"
                " - at `$.broker.host`"
            )
    made = {site.id: list(_of(site, addresses, several=len(sites) > 1)) for site in sites}
    known = {host.name for machines in made.values() for host in machines}
    if strange := sorted(set(addresses) - known):
        raise BadUsage(
            f"want machines of {', '.join(sorted(known))}, got {strange[0]!r} - in {ADDRESSES}"
        )
    return made


def text(offices: Sequence[Office], addresses: Mapping[str, str]) -> str:
    """`hosts.yml`.

    Raises:
        BadSite, BadUsage: as `hosts`.
    """
    made = hosts(offices, addresses)
    listed = " ".join(made)
    lines = [
        f"# Written by `machiai inventory` for {listed}; written anew, so change the site files,",
        f"# {ADDRESSES} or group_vars.",
        "all:",
        "  children:",
    ]
    for office in offices:
        lines += _group(office, made[office.site.id])
    groups: dict[str, list[str]] = {name: [] for name in ("hub", "web", "edge", "display")}
    for machines in made.values():
        for host in machines:
            for group in host.groups:
                groups.setdefault(group, []).append(host.name)
    for group, names in groups.items():
        lines += [f"    {group}:", "      hosts:" if names else "      hosts: {}"]
        lines += [f"        {name}:" for name in names]
    return "\n".join(lines) + "\n"


def write(sites: Sequence[tuple[Path, Site]], out: Path) -> list[Host]:
    """Write the inventory of these site files into a folder; the machines that are in it.

    Raises:
        BadSite, BadUsage: as `hosts`; an `addresses.toml` that is none.
    """
    made = [_office(path, site, out) for path, site in sites]
    addresses = _addresses(out / ADDRESSES)
    said = text(made, addresses)
    staff = out / STAFF
    staff.parent.mkdir(parents=True, exist_ok=True)
    (out / HOSTS).write_text(said, encoding="utf-8")
    if not staff.exists():
        staff.write_text(STAFFS, encoding="utf-8")
    return [host for machines in hosts(made, addresses).values() for host in machines]


def _office(path: Path, site: Site, out: Path) -> Office:
    def seen(other: Path) -> str:
        return os.path.relpath(other.resolve(), out.resolve())

    content = path.with_name(f"{path.stem}-content")
    return Office(
        site=site,
        path=seen(path),
        guide=None if site.site.guide is None else seen(path.parent / site.site.guide),
        content=seen(content) if content.is_dir() else None,
    )


def _addresses(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, str])
    except (ValueError, msgspec.ValidationError) as error:
        raise BadUsage(f'{path}: want lines as "cam-1" = "192.0.2.21", got: {error}') from None


def _group(office: Office, machines: list[Host]) -> list[str]:
    site = office.site
    said: dict[str, Any] = {
        "machiai_site": site.id,
        "machiai_site_file": _beside(office.path),
        "machiai_guide_file": _beside(office.guide),
        "machiai_content": _beside(office.content),
        "machiai_broker_host": site.broker.host,
        "machiai_broker_port": site.broker.port,
        "machiai_hub_host": machines[0].name,
    }
    lines = [f"    site_{site.id.replace('-', '_')}:", "      vars:"]
    lines += [f"        {key}: {json.dumps(value)}" for key, value in said.items()]
    lines.append("      hosts:")
    for host in machines:
        own: dict[str, Any] = {
            "ansible_host": host.address,
            "machiai_id": host.id,
            "machiai_name": host.name,
            "machiai_kinds": host.kinds,
            "machiai_ways": [
                {**msgspec.structs.asdict(way), "is_address": way.is_address} for way in host.ways
            ],
        }
        lines.append(f"        {host.name}:")
        lines += [f"          {key}: {json.dumps(value)}" for key, value in own.items()]
    return lines


def _beside(path: str | None) -> str | None:
    return None if path is None else f"{{{{ inventory_dir }}}}/{path}"


def _of(site: Site, addresses: Mapping[str, str], *, several: bool) -> Iterator[Host]:
    """The hub first."""

    def named(who: str) -> str:
        return f"{site.id}.{who}" if several else who

    def at(who: str) -> str:
        return addresses.get(named(who)) or _dns(site, who)

    yield Host(
        name=named(HUB),
        id=HUB,
        address=at(HUB),
        groups=("hub", "web", *(["homeassistant"] if site.homeassistant is not None else [])),
        ways=(*_of_web(site), *_of_hub(site)),
    )
    for device in site.devices:
        kinds = tuple(sorted({sensor["kind"] for sensor in device.sensors}))
        more = [
            *(["camera"] if "camera" in kinds else []),
            *(["pins"] if _PINS & set(kinds) else []),
        ]
        yield Host(
            name=named(device.id),
            id=device.id,
            address=at(device.id),
            groups=("edge", *more),
            kinds=kinds,
            ways=tuple(_of_sensors(device)),
        )
    for display in site.displays:
        ways = [way for way in [_way(display.playlist or "", "machiai-display")] if way]
        yield Host(
            name=named(display.id),
            id=display.id,
            address=at(display.id),
            groups=("display",),
            ways=tuple(ways),
        )


def _dns(site: Site, who: str) -> str:
    host = site.broker.host
    if who == HUB:
        return host
    try:
        ip_address(host)
    except ValueError:
        _, _, domain = host.partition(".")
        return f"{who}.{domain}" if domain else who
    raise BadUsage(
        f"want the address of {who}, got none: {site.id} has no names, for its broker is {host}"
        f" - in {ADDRESSES}"
    )


def _of_web(site: Site) -> Iterator[Way]:
    if site.notify is None:
        return
    if (mail := site.notify.mail) is not None:
        yield Way(host=mail.host, port=mail.port, user="machiai-web")
    if (push := site.notify.push) is not None:
        yield from (Way(host=host, port=_HTTPS, user="machiai-web") for host in push.services)
    if site.notify.line is not None:
        yield Way(host="api.line.me", port=_HTTPS, user="machiai-web")


def _of_hub(site: Site) -> Iterator[Way]:
    if site.influx is not None and (way := _way(site.influx.url, "machiai-hub")):
        yield way
    facility = None if site.homeassistant is None else site.homeassistant.broker
    if facility is not None:
        where = f"tcp://{facility.host}:{facility.port}"
        if way := _way(where, "machiai-homeassistant"):
            yield way


def _of_sensors(device: Device) -> Iterator[Way]:
    for sensor in device.sensors:
        sources = [sensor.get(key, "") for key in ("source", "url", "broker")]
        if "host" in sensor:
            sources.append(f"tcp://{sensor['host']}:{sensor.get('port', _MODBUS)}")
        for source in [one for one in sources if one] or [_SOURCES.get(sensor["kind"], "")]:
            if way := _way(str(source), "machiai-edge"):
                yield way


def _way(source: str, user: str) -> Way | None:
    """Whom a source is fetched from; None: it is here, on a wire or on the loopback."""
    try:
        parts = urlsplit(source)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not host or port is None or parts.scheme not in _PORTS or host in {"localhost", "127.0.0.1"}:
        return None
    return Way(host=host, port=port, user=user)
