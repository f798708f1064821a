"""What staff draw for one camera, and how it will stand in the site file."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from edge.capture import without_password
from edge.sensors import sensors_of
from edge.sensors.camera import CameraSettings
from models.errors import BadSite, BadUsage
from models.sensing.plan import Plan
from models.site import Device, Site, Table

KEYS = tuple(field.encode_name for field in msgspec.structs.fields(Plan))
"""The keys of a camera that are drawn; all others stay as the site file has them."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Draft:
    """One camera of a device: its settings in the site file, and what is drawn now."""

    def __init__(self, site: Site, device: Device, number: int) -> None:
        """Take what the site file says; a camera that looks at nothing yet is right here.

        Args:
            site: the office.
            device: the machine that the camera is wired to.
            number: of the camera among the device's sensors, from 0.

        Raises:
            BadSite: its settings are wrong, with the path.
        """
        self._site, self._device, self._number = site, device, number
        self._raw = device.sensors[number]
        if any(self._raw.get(key) for key in KEYS):
            self._check(self._raw)
        self.settings = _read(self._raw, f"{self._where}")

    @property
    def _where(self) -> str:
        index = self._site.devices.index(self._device)
        return f"$.devices[{index}].sensors[{self._number}]"

    @property
    def source(self) -> str:
        """Where its frames come from, without the password."""
        return without_password(self.settings.source)

    def draw(self, plan: Mapping[str, Any]) -> str:
        """Take what is drawn instead of what was, if `machiai check` would.

        Args:
            plan: zones, lines and lots as in the site file.

        Raises:
            BadSite: it would not, with the path in the site file.
        """
        raw = {**self._raw, **{key: plan[key] for key in KEYS if key in plan}}
        self._check(raw)
        self.settings = _read(raw, self._where)
        return self.snippet()

    def snippet(self) -> str:
        """The whole `[[devices.sensors]]` of this camera, in TOML."""
        drawn = {k: v for k, v in spare(self.settings.plan).items() if v}
        told = {**{k: v for k, v in self._raw.items() if k not in KEYS}, **drawn}
        lines = ["[[devices.sensors]]"]
        for key, value in told.items():
            line = f"{_key(key)} = {toml(value)}"
            if key == "source" and self.source != value:
                line = f"source = {toml(self.source)}  # put back what your file has here"
            if key == "approved" and _seen(self._raw) != _seen(drawn):
                line = f"# {line}  # it sees other places now: have its notice approved"
            lines.append(line)
        return "\n".join(lines) + "\n"

    def _check(self, raw: dict[str, Any]) -> None:
        alone = msgspec.structs.replace(self._device, sensors=(raw,))
        try:
            sensors_of(self._site, alone)
        except BadSite as error:
            where = f".sensors[{self._number}]"
            raise BadSite(str(error).replace(".sensors[0]", where, 1)) from None


def drafts(site: Site, device: Device) -> list[Draft]:
    """One for each camera of a device.

    Raises:
        BadSite: its settings are wrong.
        BadUsage: it has no camera.
    """
    numbers = [i for i, raw in enumerate(device.sensors) if raw["kind"] == "camera"]
    if not numbers:
        have = ", ".join(
            d.id for d in site.devices if any(s["kind"] == "camera" for s in d.sensors)
        )
        raise BadUsage(f"want a device with a camera ({have or 'none'}), got {device.id!r}")
    return [Draft(site, device, number) for number in numbers]


def _seen(plan: Mapping[str, Any]) -> set[object]:
    """The zones, lines and lots of a plan: what the camera's notice says that it sees."""
    kinds = {"zones": "zone", "lines": "line", "lots": "lot"}
    return {(kind, view[key]) for kind, key in kinds.items() for view in plan.get(kind, ())}


def _read(raw: dict[str, Any], where: str) -> CameraSettings:
    try:
        return msgspec.convert(raw, CameraSettings)
    except msgspec.ValidationError as error:
        head, _, tail = str(error).partition(" - at `$")
        raise BadSite(f"{head} - at `{where}{tail.rstrip('`')}`") from None


def spare(table: Table) -> dict[str, Any]:
    """A table as it is written, without what needs no saying."""
    return {
        field.encode_name: _plain(value)
        for field in msgspec.structs.fields(table)
        if (value := getattr(table, field.name)) != field.default
    }


def _plain(value: object) -> object:
    if isinstance(value, Table):
        return spare(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def toml(value: object, depth: int = 0) -> str:
    """A value as TOML writes it; each table of a list has a line of its own.

    >>> print(toml([{"zone": "lobby", "polygon": [[0.1, 1.0]]}]))
    [
      { zone = "lobby", polygon = [[0.1, 1.0]] },
    ]
    """
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {toml(item, depth)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return _list(value, depth)
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def _list(values: list[object] | tuple[object, ...], depth: int) -> str:
    if not any(isinstance(value, Mapping) for value in values):
        return f"[{', '.join(toml(value, depth) for value in values)}]"
    margin = "  " * (depth + 1)
    rows: Iterator[str] = (f"{margin}{toml(value, depth + 1)}," for value in values)
    return "\n".join(["[", *rows, "  " * depth + "]"])


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)
