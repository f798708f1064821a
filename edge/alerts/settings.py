"""What all sources of alerts have in the site file, and which places may be believed."""

import ipaddress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from edge.sensors import Settings
from models.errors import BadSite
from models.site import Seconds, Site

AlertName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,16}(?!\n)$")]
"""Ids of notices begin with it."""


class AlertSettings(Settings, frozen=True, kw_only=True):
    """What all sources of alerts have in the site file."""

    name: AlertName
    timeout_s: Seconds = 10.0


def is_address(place: str) -> bool:
    """Whether it is of the web, not a path."""
    return "://" in place


def host_of(url: str) -> str | None:
    """The host of an address that may be believed: https, or plain on this machine itself.

    >>> host_of("https://alerts.example.jp/list.atom"), host_of("http://alerts.example.jp/")
    ('alerts.example.jp', None)
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return None
    if host is None or parts.scheme not in {"http", "https"}:
        return None
    return host if parts.scheme == "https" or _is_here(host) else None


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_place(place: str, path: str) -> None:
    """Let a place be an absolute path or an address that may be believed.

    Raises:
        BadSite: it is neither.
    """
    is_good = host_of(place) if is_address(place) else Path(place).is_absolute()
    if not is_good:
        raise BadSite(f"want /a/path or https://..., got {place!r} - at `$.{path}`")


def check_name(kind: str, name: str, site: Site) -> None:
    """Let two sensors of a device not remember in one file.

    Raises:
        BadSite: they would.
    """
    for device in site.devices:
        names = [one.get("name", kind) for one in device.sensors if one["kind"] == kind]
        if names.count(name) > 1:
            raise BadSite(f"want another `name` for each, got {name!r} again - at `$.name`")
