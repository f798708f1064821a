"""Topics: the only place that spells them."""

import re
from functools import lru_cache

from models.contract.ids import ID_PATTERN
from models.errors import BadTopic

VERSION = "machiai/v1"
HUB = "hub"
_ID = re.compile(ID_PATTERN)


def _checked(name: str) -> str:
    if not _ID.match(name) or name.endswith("\n"):
        raise BadTopic(f"want an id of a-z, 0-9 and -, at most 32, got {name[:40]!r}")
    return name


def observation(site: str, device: str, kind: str, name: str) -> str:
    """Where a device writes one kind of observation.

    >>> observation("minami", "cam-1", "people", "lobby")
    'machiai/v1/minami/cam-1/obs/people/lobby'
    """
    return f"{VERSION}/{site}/{device}/obs/{kind}/{_checked(name)}"


def device(site: str, device: str, leaf: str) -> str:
    """Where a device tells of itself (`state`, `about`, `health`) and reads its `ack`."""
    return f"{VERSION}/{site}/{_checked(device)}/{leaf}"


def command(site: str, device: str, name: str) -> str:
    """Where the hub tells a device to do something."""
    return f"{VERSION}/{site}/{device}/cmd/{name}"


def result(site: str, kind: str, name: str | None = None) -> str:
    """Where the hub writes what it believes.

    >>> result("minami", "service", "tax")
    'machiai/v1/minami/hub/service/tax'
    """
    return f"{VERSION}/{site}/{HUB}/{kind}" + (f"/{name}" if name is not None else "")


def home_assistant(site: str) -> str:
    """Below which a Home Assistant reads the office, in words: no part of the contract."""
    return f"machiai/homeassistant/{site}"


def discovered(site: str, name: str) -> tuple[str, ...]:
    """Where it is told of entities that show something, below its prefix; it has no other kind.

    >>> discovered("minami", "zone_lobby_people")[0]
    'sensor/machiai-minami/zone_lobby_people/config'
    """
    return tuple(f"{what}/machiai-{site}/{name}/config" for what in ("sensor", "binary_sensor"))


def split(topic: str) -> tuple[str, str, list[str]]:
    """Site, device and the levels below.

    Raises:
        BadTopic: not of this contract, or a level that is no id.
    """
    site, device, *levels = _levels(topic)
    return site, device, levels


@lru_cache(maxsize=4096)
def _levels(topic: str) -> tuple[str, ...]:
    """The levels below the version; an office has a hundred topics, and they come again."""
    levels = topic.split("/")
    if len(levels) < 5 or "/".join(levels[:2]) != VERSION:  # noqa: PLR2004
        raise BadTopic(f"want {VERSION}/<site>/<device>/..., got {topic[:80]!r}")
    for level in levels[2:]:
        _checked(level)
    return tuple(levels[2:])
