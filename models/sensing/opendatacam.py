"""What OpenDataCam says of its newest recording: how many have crossed an area, and until when.

Source: the project's API documentation, `GET /recordings?offset=0&limit=1`; its `dateEnd` moves on
with each picture, so it shows whether the camera is looked at.
"""

from typing import NamedTuple

from models.errors import BadPayload
from models.sensing.foreign import moment_of, parsed, pointed

MAX_BYTES = 1024 * 1024
"""Of an answer; areas are polygons, and there may be many."""


class Counted(NamedTuple):
    """So many, in this recording, which has gone on until then (seconds since 1970)."""

    recording: str
    total: int
    until_s: float | None


def counted(body: bytes, area: str, what: str) -> Counted:
    """How many of a class have crossed the area of this name.

    Args:
        body: the answer.
        area: name of the counting area, as somebody has drawn it.
        what: class of what is counted, such as `person`.

    Raises:
        BadPayload: it is no such answer, or has no such area, or two of them.
    """
    if len(body) > MAX_BYTES:
        raise BadPayload(f"want an answer of at most {MAX_BYTES} bytes, got a larger one")
    found = pointed(parsed(body), "/recordings/0")
    if not isinstance(found, dict) or not isinstance(found.get("_id"), str):
        raise BadPayload("want a recording, got none")
    areas = found.get("areas")
    named = (
        [key for key, one in areas.items() if pointed(one, "/name") == area]
        if (isinstance(areas, dict))
        else []
    )
    if len(named) != 1:
        raise BadPayload("want one area of this name, got none or several")
    summary = found.get("counterSummary")
    of_area = summary.get(named[0]) if isinstance(summary, dict) else None
    total = of_area.get(what, 0) if isinstance(of_area, dict) else 0
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise BadPayload("want a whole number, got something else")
    return Counted(found["_id"], total, moment_of(found.get("dateEnd")))
