"""Where a value stands in JSON, `data.list[name=住民票].wait`, and JSON that stands in a script."""

import json
import re
from collections.abc import Iterator
from typing import Any

from models.errors import BadPayload, BadSite

Step = str | int | tuple[str, str]
"""A key, a place in a list, or the element of a list whose key has a value."""

_STEP = re.compile(r"\.?([^.\[\]=]{1,100})|\[([0-9]{1,6})\]|\[([^\[\]=]{1,100})=([^\[\]]{0,200})\]")
_MOST_STEPS = 30
_START = re.compile(r"(?:^|[=(])\s{0,20}(?=[{\[])")
_MOST_STARTS = 200
_DECODER = json.JSONDecoder()


def steps_of(written: str, path: str) -> tuple[Step, ...]:
    """The steps of a path; `$.` before it is let pass.

    Raises:
        BadSite: with the path in the site file.

    >>> steps_of("data.list[name=住民票][0].wait", "waiting")
    ('data', 'list', ('name', '住民票'), 0, 'wait')
    """
    text = written.strip().removeprefix("$").strip()
    steps: list[Step] = []
    end = 0
    while end < len(text):
        found = _STEP.match(text, end)
        if found is None or len(steps) == _MOST_STEPS:
            raise BadSite(f"want a path like a.list[name=x].b, got {written!r} - at `$.{path}`")
        key, index, name, value = found.groups()
        steps.append(key.strip() if key else int(index) if index else (name.strip(), value.strip()))
        end = found.end()
    if not steps:
        raise BadSite(f"want a path like a.list[name=x].b, got nothing - at `$.{path}`")
    return tuple(steps)


def pointer_of(written: str) -> tuple[Step, ...]:
    """The steps of a JSON pointer (RFC 6901)."""
    return tuple(s.replace("~1", "/").replace("~0", "~") for s in written.split("/")[1:])


def at(document: Any, steps: tuple[Step, ...]) -> Any:  # noqa: ANN401  any JSON
    """What is there, None if nothing is.

    Raises:
        BadPayload: several elements of a list are what one was meant to be.
    """
    for step in steps:
        if isinstance(step, tuple):
            document = _chosen(document, *step)
        elif isinstance(document, dict):
            document = document.get(str(step))
        elif isinstance(document, list) and (index := _index(step)) is not None:
            document = document[index] if index < len(document) else None
        else:
            return None
    return document


def embedded(script: str) -> Iterator[Any]:
    """Each JSON value that a script gives to a name or a function, or is itself."""
    end = 0
    for _ in range(_MOST_STARTS):
        start = _START.search(script, end)
        if start is None:
            return
        try:
            value, end = _DECODER.raw_decode(script, start.end())
        except json.JSONDecodeError as error:
            end = max(start.end() + 1, error.pos)  # what was looked at is not looked at again
        except (ValueError, RecursionError):
            end = start.end() + 1
        else:
            yield value


def as_text(value: Any) -> str | None:  # noqa: ANN401  any JSON
    """A string or a whole number as text, None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return value if isinstance(value, str) else str(value) if abs(value) < 10**12 else None


def _chosen(document: Any, key: str, wanted: str) -> Any:  # noqa: ANN401  any JSON
    if not isinstance(document, list):
        return None
    step: tuple[Step, ...] = (key,)
    found = [one for one in document if (as_text(at(one, step)) or "").strip() == wanted]
    if len(found) > 1:
        raise BadPayload("want one element of the list, got several")
    return found[0] if found else None


def _index(step: str | int) -> int | None:
    if isinstance(step, int):
        return step
    return int(step) if re.fullmatch(r"[0-9]{1,7}", step) else None
