"""What all sensors that read devices of other makes have in the site file."""

from typing import Annotated, Literal, get_args

import msgspec

from broker.clock import Clock
from edge.sensors import Output, Settings, refer
from models.contract.ids import Id
from models.contract.observations import Direction
from models.errors import BadSite
from models.sensing import foreign
from models.sensing.foreign import Aim, Word
from models.site import Site

KINDS: dict[Aim, str] = {
    "button": "press",
    "counter": "counter",
    "gate": "pulse",
    "line": "crossing",
    "zone": "people",
    "lot": "cars",
}
"""What is observed of each thing."""

COUNTED = frozenset({"zone", "lot"})
"""Things of which it is told how many there are; of the others what happens."""

PASSED = frozenset({"gate", "line"})

_BOUNCE_MS = 400
"""Zigbee says a press again within some 100 ms; nobody presses, and no car passes, twice in it."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Places = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Where = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
"""A JSON pointer if it begins with /, else a regular expression whose first group is the value."""

AIMS: tuple[Aim, ...] = get_args(Aim)


class AimedSettings(Settings, frozen=True, kw_only=True):
    """What of ours something of another make tells of: exactly one of the first six."""

    button: Id | None = None
    counter: Id | None = None
    gate: Id | None = None
    line: Id | None = None
    zone: Id | None = None
    lot: Id | None = None
    direction: Direction | None = None  # of what passes a gate or a line
    seen: Places | None = None  # places of the lot that it sees; None: all
    words: dict[str, Word] = msgspec.field(default_factory=dict)
    bounce_ms: Milliseconds | None = None


def aimed(settings: AimedSettings, site: Site, path: str = "") -> tuple[foreign.Aimed, Output]:
    """What it tells of, and what it may emit.

    Args:
        settings: of a sensor or of one of its inputs.
        site: the site file.
        path: of the settings below the sensor, with its dot: `hooks[0].`.

    Raises:
        BadSite: none or two things, one that is not there, or a key that says nothing of it.
    """
    given = [aim for aim in AIMS if getattr(settings, aim) is not None]
    if len(given) != 1:
        got, where = " and ".join(given) or "none", f"$.{path}".rstrip(".")
        raise BadSite(f"want one of {', '.join(AIMS)}, got {got} - at `{where}`")
    (aim,) = given
    name: str = getattr(settings, aim)
    refer(site, f"{path}{aim}", f"{aim}s", name)
    says = {"in", "out"} & set(settings.words.values())
    if aim in PASSED and settings.direction is None and not says:
        raise BadSite(f"want `in` or `out`, got none - at `$.{path}direction`")
    if aim not in PASSED and (settings.direction is not None or says):
        key = "direction" if settings.direction else "words"
        raise BadSite(f"want a direction of a gate or a line only - at `$.{path}{key}`")
    if settings.seen is not None and aim != "lot":
        raise BadSite(f"want places of a lot only - at `$.{path}seen`")
    bounce_ms = settings.bounce_ms
    if bounce_ms is None:
        bounce_ms = 0 if aim == "line" else _BOUNCE_MS
    capacity = next((lot.capacity for lot in site.lots if lot.id == settings.lot), 0)
    made = foreign.Aimed(
        aim=aim,
        direction=settings.direction,
        seen=settings.seen or capacity,
        words=settings.words,
        bounce_s=bounce_ms / 1000,
    )
    return made, Output(KINDS[aim], name)


def known_now_s(clock: Clock) -> float | None:
    """Seconds since 1970, or None while the clock is not to be trusted."""
    return clock.now().timestamp() if clock.synchronised() else None


def means(aim: Aim, *, total: bool) -> Literal["word", "total", "count"]:
    """How a value of a thing is meant that no profile explains."""
    if aim in COUNTED:
        return "count"
    return "total" if total else "word"
