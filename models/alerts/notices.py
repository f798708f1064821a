"""From alerts to notices: how grave they are, what is said, and what is new since the last time."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

from models.contract.observations import PostNotice

Weight = Literal["emergency", "warning", "info", "none"]
"""As what an alert counts; `none` is not shown."""

GRAVEST: tuple[Weight, ...] = ("emergency", "warning", "info", "none")

_LONGEST_TEXT = 1500  # nine languages of four bytes a sign stay below the contract's 64 KiB
_LONGEST_BY = 64


def gravest(weights: Iterable[Weight]) -> Weight:
    """The gravest of them."""
    return min(weights, key=GRAVEST.index, default="none")


def id_of(name: str, *what: str) -> str:
    """The id of a notice: the sensor's name, and a hash of what it is about.

    >>> id_of("cap", "office@minami.example.jp,flood-1")
    'cap-eb9608b8c320'
    """
    return f"{name}-{hashlib.sha256('|'.join(what).encode()).hexdigest()[:12]}"


def cut(text: str, most: int = _LONGEST_TEXT) -> str:
    """A text that fits.

    >>> cut("evacuate", 4)
    'eva…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def by(name: str) -> str:
    """Who says so, as short as the contract wants it."""
    return cut(name, _LONGEST_BY)


def changes(
    posted: Mapping[str, PostNotice], standing: Mapping[str, PostNotice]
) -> dict[str, PostNotice]:
    """What must be said so that those posted become those that stand; an end is said too."""
    over = {
        name: PostNotice(by=was.by, cancel=True)
        for name, was in posted.items()
        if name not in standing
    }
    new = {name: notice for name, notice in standing.items() if posted.get(name) != notice}
    return over | new
