"""Bytes to messages and back. The one place that knows JSON."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec

from models.contract.observations import KINDS, Envelope, Observation, Reading
from models.contract.results import Message
from models.contract.topics import split
from models.errors import BadPayload, BadTopic

MAX_BYTES = 64 * 1024
"""A payload above this is refused unread: the largest true one is a notice in nine languages."""

_OBSERVATION_LEVELS = 3  # obs/<kind>/<name>

M = TypeVar("M", bound=msgspec.Struct)

_readings = {kind: msgspec.json.Decoder(reading) for kind, reading in KINDS.items()}
_messages: dict[type, msgspec.json.Decoder[Any]] = {}


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds.

    >>> stamp(datetime(2026, 11, 24, 1, 32, 0, 5999, tzinfo=UTC))
    '2026-11-24T01:32:00.005Z'
    """
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written(value: object) -> object:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item) for item in value]
    return value


def plain(message: msgspec.Struct) -> dict[str, Any]:
    """The message as a JSON document in Python, times written as on the wire."""
    tree = _written(msgspec.to_builtins(message, builtin_types=(datetime,)))
    assert isinstance(tree, dict)  # noqa: S101  a Struct is an object
    return tree


def encode(message: Message) -> bytes:
    """One message about a device or of the hub."""
    return msgspec.json.encode(plain(message))


def encode_observation(envelope: Envelope, reading: Reading) -> bytes:
    """Envelope and reading as one flat object."""
    return msgspec.json.encode(plain(envelope) | plain(reading))


@cache
def _time_fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a message that may hold a time."""
    hints = get_type_hints(kind)
    return tuple(name for name in kind.__struct_fields__ if "datetime" in str(hints[name]))


def _within_reach(message: M) -> M:
    """Refuse times so far off that one cannot reckon with them in every time zone."""
    fields = _time_fields(type(message))
    if not fields:
        return message
    for field in fields:
        value = getattr(message, field)
        if isinstance(value, datetime) and not MINYEAR < value.year < MAXYEAR:
            raise ValueError(f"want a year that can be, got {value.year}")
    return message


def decode(kind: type[M], payload: bytes) -> M:
    """One message about a device or of the hub.

    Raises:
        BadPayload: too large, not JSON, or not this kind.
    """
    if len(payload) > MAX_BYTES:
        raise BadPayload(f"want at most {MAX_BYTES} bytes, got {len(payload)}")
    decoder = _messages.get(kind) or _messages.setdefault(kind, msgspec.json.Decoder(kind))
    try:
        message: M = _within_reach(decoder.decode(payload))
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadPayload(f"{error} in {kind.__name__}") from None
    return message


def decode_envelope(payload: bytes) -> Envelope:
    """Only the envelope: enough to acknowledge what cannot be understood."""
    return decode(Envelope, payload)


def decode_reading(kind: str, payload: bytes) -> Reading:
    """Only the reading.

    Raises:
        BadTopic: no such kind.
        BadPayload: not what the kind asks for.
    """
    decoder = _readings.get(kind)
    if decoder is None:
        raise BadTopic(f"want a kind of {', '.join(KINDS)}, got {kind[:40]!r}")
    try:
        return _within_reach(decoder.decode(payload))
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadPayload(f"{error} in obs/{kind}") from None


def is_observation(levels: list[str]) -> bool:
    """Whether the levels below a device are those of an observation."""
    return len(levels) == _OBSERVATION_LEVELS and levels[0] == "obs"


def decode_observation(topic: str, payload: bytes) -> Observation:
    """One observation from its topic and payload.

    Raises:
        BadTopic: the topic is not of an observation.
        BadPayload: the payload is not what the topic asks for.
    """
    site, device, levels = split(topic)
    if not is_observation(levels):
        raise BadTopic(f"want .../obs/<kind>/<name>, got {topic[:80]!r}")
    _, kind, name = levels
    envelope = decode_envelope(payload)
    reading = decode_reading(kind, payload)
    return Observation(
        site=site, device=device, kind=kind, name=name, envelope=envelope, reading=reading
    )
