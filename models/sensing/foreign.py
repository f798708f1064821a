"""What a device of another make says, turned into readings of ours: each once, and only if new.

Where it says what stands in `models/sensing/profiles.py` or in the site file. Times are seconds.
"""

import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from models.contract.observations import (
    Cars,
    Counter,
    Crossing,
    Direction,
    Gesture,
    People,
    Press,
    Pulse,
    Reading,
)
from models.errors import BadPayload, BadSite

MAX_BYTES = 64 * 1024
"""Of a payload; no button and no counter says so much."""

Aim = Literal["button", "counter", "gate", "line", "zone", "lot"]
"""What of ours it tells of, by the key in the site file."""

Word = Literal["short", "double", "long", "on", "off", "in", "out", "none"]
"""What a word of a device means: a gesture, a state, a passing in one direction, or nothing."""

Means = Literal["word", "total", "count"]
"""A value is a word that happens, a total that only grows, or how many there are now."""

_BY_MEANING: Mapping[Word, str] = {
    "short": "single short click press single_push on",
    "double": "double double_push",
    "long": "hold long long_push",
    "none": "off release hold_release btn_down btn_up",
}
GESTURES: Mapping[str, Word] = {
    "": "none",
    **{word: means for means, words in _BY_MEANING.items() for word in words.split()},
}
"""What all makes call a gesture; so Zigbee2MQTT says nothing after each, and Shelly both ends."""

STATES: Mapping[str, Word] = {
    "on": "on",
    "true": "on",
    "1": "on",
    "open": "on",
    "off": "off",
    "false": "off",
    "0": "off",
    "closed": "off",
}
PRESENCE: Mapping[str, bool] = {"online": True, "true": True, "offline": False, "false": False}

_MOST = 1_000_000  # as in the contract
_MOST_TOTAL = 2**53
_MOST_AT_ONCE = 200  # of a total; more is another counter, or a broken one
_MOST_ITEMS = 32  # of a list in one payload
_LATE_S = 120.0  # a button by radio may need half a minute
_FIRST_TIME_S, _LAST_TIME_S = 1e9, 1e11  # an earlier time is of a clock that was never set
_NUMBER = re.compile(r"(\d{1,16})(\.0{1,6})?")
_REMEMBERED = 64
_SEARCHED = 1000
"""Signs in which a pattern is looked for: it also bounds what a careless one can cost."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Where a kind of device says something, and how that is meant.

    `topic`, `place` and `only` may have {source} and {part} in them. `each` points to a list; then
    `place`, `only` and `at` are of each of its items.
    """

    topic: str = ""
    place: str = ""
    """A JSON pointer, or a regular expression whose first group is the value; empty: all of it."""
    each: str = ""
    only: tuple[str, str] | None = None
    """A pointer, and what must stand there."""
    at: str = ""
    """A pointer to when it happened: seconds since 1970, or ISO 8601 with its zone."""
    means: Means = "word"
    is_turned: bool = False
    """What says on means off: a contact that is closed."""


class Aimed(msgspec.Struct, frozen=True, kw_only=True):
    """What of ours a device tells of. `seen` are the places of a lot that it sees."""

    aim: Aim
    direction: Direction | None = None
    seen: int = 0
    words: Mapping[str, Word] = {}
    bounce_s: float = 0.0


class Refused(NamedTuple):
    """Why something could not be used. A repeat was used before: whoever sent it may be content."""

    why: str
    is_repeat: bool = False


class Value(NamedTuple):
    """A value as text, full-width signs made plain, and when it came about, if that is said."""

    text: str
    at_s: float | None


def parsed(payload: bytes) -> Any:  # noqa: ANN401  any JSON
    """The payload as JSON.

    Raises:
        BadPayload: it is none.
    """
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        raise BadPayload("want JSON, got something else") from None


def pointed(document: Any, pointer: str) -> Any:  # noqa: ANN401  any JSON
    """What a JSON pointer (RFC 6901) points to; None if nothing.

    >>> pointed({"a": [{"b": 1}]}, "/a/0/b"), pointed({"a": 1}, "/b/c")
    (1, None)
    """
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and key.isdecimal() and len(key) <= len(str(_MOST)):
            document = document[int(key)] if int(key) < len(document) else None
        else:
            return None
    return document


def check(place: str, path: str) -> None:
    """Refuse a place that is neither a pointer nor a pattern.

    Args:
        place: as in a rule.
        path: of the key in the site file.

    Raises:
        BadSite: with that path.
    """
    if place.startswith("/") or not place:
        return
    try:
        groups = re.compile(place).groups
    except (re.error, RecursionError, OverflowError) as error:
        raise BadSite(f"want a regular expression, got {error} - at `$.{path}`") from None
    if not groups:
        raise BadSite(f"want a group (...) around the value, got none - at `$.{path}`")


def values(rule: Rule, payload: bytes) -> Iterator[Value]:
    """What the payload says at the rule's place; nothing if that is not there.

    Raises:
        BadPayload: too large, no text, no JSON where that is wanted, or no value.
    """
    if len(payload) > MAX_BYTES:
        raise BadPayload(f"want at most {MAX_BYTES} bytes, got more")
    if not rule.place.startswith("/"):
        yield from _written(rule, payload)
        return
    document = parsed(payload)
    items = pointed(document, rule.each) if rule.each else [document]
    if not isinstance(items, list):
        return
    if len(items) > _MOST_ITEMS:
        raise BadPayload(f"want at most {_MOST_ITEMS} items, got more")
    for item in items:
        if rule.only is None or pointed(item, rule.only[0]) == rule.only[1]:
            text = _text(pointed(item, rule.place))
            if text is not None:
                yield Value(text, moment_of(pointed(item, rule.at)) if rule.at else None)


def _written(rule: Rule, payload: bytes) -> Iterator[Value]:
    """The value of a payload that is read as text."""
    try:
        text: str | None = payload.decode()
    except UnicodeDecodeError:
        raise BadPayload("want UTF-8, got other bytes") from None
    if text and rule.place:
        match = re.search(rule.place, text[:_SEARCHED])  # compiled once: `re` keeps it
        text = match and match[1]
    if text is not None:
        yield Value(unicodedata.normalize("NFKC", text).strip(), None)


def _text(value: Any) -> str | None:  # noqa: ANN401  any JSON
    if value is None:
        return None
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).strip()
    raise BadPayload("want a word or a number, got something else")


def moment_of(value: Any) -> float | None:  # noqa: ANN401  any JSON
    """Seconds since 1970, from such a number or from ISO 8601 with a zone; None if it is neither.

    >>> moment_of("1970-01-02T00:00:00Z"), moment_of(12.5)
    (86400.0, None)
    """
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment.timestamp() if moment.tzinfo is not None else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and _FIRST_TIME_S <= value <= _LAST_TIME_S else None


class Foreign:
    """One device, and what of ours it tells of. Remembers what tells news from repeats."""

    def __init__(self, aimed: Aimed) -> None:
        self._aimed = aimed
        usual = GESTURES if aimed.aim == "button" else STATES
        self._given = {word.lower(): means for word, means in aimed.words.items()}
        self._words = {**usual, **self._given}
        self._told: deque[Value] = deque(maxlen=_REMEMBERED)
        self.forget()

    def forget(self) -> None:
        """It has begun anew, or was not heard for a while: what it said last holds no more."""
        self.held: Reading | None = None
        self._on: bool | None = None
        self._totals: dict[Rule, int] = {}
        self._last: tuple[Reading, float] | None = None

    def take(
        self, rule: Rule, payload: bytes, t_s: float, now_s: float | None = None
    ) -> list[Reading | Refused]:
        """The readings that a payload makes, and why what is in it could not be used.

        Args:
            rule: of the place that it came to.
            payload: as it came.
            t_s: when, monotonic.
            now_s: the same since 1970; None while the clock is not set.
        """
        try:
            found = list(values(rule, payload))
        except BadPayload as error:
            return [Refused(str(error))]
        return [made for value in found for made in self.read(rule, value, t_s, now_s)]

    def read(
        self, rule: Rule, value: Value, t_s: float, now_s: float | None = None
    ) -> list[Reading | Refused]:
        """The same of one value."""
        if value.at_s is not None and now_s is not None and abs(now_s - value.at_s) > _LATE_S:
            return [Refused(f"want what was within {_LATE_S:.0f} s, got another time")]
        if value.at_s is not None:
            if value in self._told:
                return [Refused("want what is new, got it again", is_repeat=True)]
            self._told.append(value)
        try:
            return self._read(rule, value, t_s)
        except BadPayload as error:
            return [Refused(str(error))]

    def _read(self, rule: Rule, value: Value, t_s: float) -> list[Reading | Refused]:
        if rule.means == "count":
            self.held = self._counted(_number(value.text, _MOST))
            return [self.held]
        if rule.means == "total":
            return self._grown(rule, _number(value.text, _MOST_TOTAL))
        said = value.text.lower()
        word = self._words.get(said)
        if word is None:
            raise BadPayload("want a word that is known, got another")  # reasons are few
        is_turned = rule.is_turned and said not in self._given  # the site file says what it means
        return self._happened(word, t_s, is_turned=is_turned)

    def _counted(self, count: int) -> Reading:
        if self._aimed.aim == "zone":
            return People(count=count)
        seen = self._aimed.seen
        return Cars(occupied=min(count, seen), seen=seen)

    def _grown(self, rule: Rule, total: int) -> list[Reading | Refused]:
        """One reading for each that was counted since it was last read; none of the first total."""
        before = self._totals.get(rule)
        self._totals[rule] = total
        if before is None:
            return []
        if not 0 <= total - before <= _MOST_AT_ONCE:
            raise BadPayload("want a total that grows step by step, got a leap")
        return [self._passed(self._aimed.direction)] * (total - before)

    def _happened(self, word: Word, t_s: float, *, is_turned: bool) -> list[Reading | Refused]:
        aim = self._aimed.aim
        if word == "none":
            return []
        if aim == "button":
            return self._apart(Press(gesture=_gesture(word)), t_s)
        if word in ("in", "out"):
            return self._apart(self._passed(word), t_s)
        if word not in ("on", "off"):
            raise BadPayload("want a state, got a gesture")
        is_on, was_on = (word == "on") != is_turned, self._on
        self._on = is_on
        if is_on == was_on:
            return []
        if aim == "counter":
            return [Counter(open=is_on)]
        return self._apart(self._passed(self._aimed.direction), t_s) if is_on else []

    def _passed(self, direction: Direction | None) -> Reading:
        if direction is None or self._aimed.aim not in ("gate", "line"):
            raise BadPayload(f"want another word of a {self._aimed.aim}, got a passing")
        made = Pulse if self._aimed.aim == "gate" else Crossing
        return made(direction=direction)

    def _apart(self, reading: Reading, t_s: float) -> list[Reading | Refused]:
        """Two of a kind within the bounce are one: a radio says it again, a contact trembles."""
        if self._last is not None:
            before, last_s = self._last
            if before == reading and t_s - last_s < self._aimed.bounce_s:
                why = f"want {self._aimed.bounce_s:g} s in between, got it again sooner"
                return [Refused(why, is_repeat=True)]
        self._last = reading, t_s
        return [reading]


class Presence:
    """Whether a device is there, by the topics on which that is said."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._said: dict[str, bool] = {}
        self.topics = frozenset(topics)

    def hear(self, topic: str, payload: bytes) -> bool:
        """Take a word on one of the topics; whether it says that it is there.

        Raises:
            BadPayload: it says neither.
        """
        text = payload[:MAX_BYTES].strip()
        if text.startswith(b"{"):
            said = pointed(parsed(text), "/state")
        else:
            said = text.decode("utf-8", "replace")
        here = PRESENCE.get(str(said).lower())
        if here is None:
            raise BadPayload("want online or offline, got something else")
        self._said[topic] = here
        return here

    def forget(self) -> None:
        """What was said is not so: it speaks."""
        self._said.clear()

    @property
    def gone(self) -> str | None:
        """A topic that says that it is not there; None if none does."""
        return next((topic for topic, here in self._said.items() if not here), None)

    @property
    def is_here(self) -> bool:
        """Whether it is said to be there, and by nobody not to be."""
        return bool(self._said) and self.gone is None


def _number(text: str, most: int) -> int:
    found = _NUMBER.fullmatch(text)
    if found is None or int(found[1]) > most:
        raise BadPayload("want a whole number, got something else")
    return int(found[1])


def _gesture(word: Word) -> Gesture:
    match word:
        case "short" | "double" | "long":
            return word
    raise BadPayload("want a gesture, got a state")
