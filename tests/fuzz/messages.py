"""Messages of devices: read and written again, and folded into an office."""

import contextlib
import json
import random
from datetime import timedelta

from models.contract.codec import decode, decode_observation, encode, encode_observation
from models.contract.observations import KINDS
from models.contract.results import DEVICE_MESSAGES, RESULTS, Message
from models.contract.topics import split
from models.errors import BadPayload, BadTopic
from models.site import parse
from models.state.office import Office
from tests.conftest import ROOT
from tests.fuzz.watch import One
from tests.signage.office import NOON

_MESSAGES: dict[str, type[Message]] = {**DEVICE_MESSAGES, **RESULTS}
_AT = "2026-11-24T01:32:00.005Z"
_ENVELOPE = {"stream": "a1", "seq": 7, "boot": "b", "up_ms": 5, "at": _AT}
_READING = {
    "count": 3, "direction": "in", "total": 9, "occupied": 1, "seen": 2, "gesture": "short",
    "number": "A012", "event": "called", "counter": "c1", "waiting": 4, "called": "7", "open": 2,
    "level": 3, "paused": True, "by": "desk", "severity": "info", "from": _AT, "until": None,
    "texts": {"ja": "混雑", "en": "Busy"}, "upto": 5, "since": _AT, "why": "dead",
    "day": "2026-11-24", "slots": [{"minute": 650, "booked": 2, "places": 3}],
}  # fmt: skip
_RESULT = {
    "state": "open", "at": _AT, "valid_until": _AT, "severity": "info", "capacity": 40,
    "wait": {"p10_s": 1, "p50_s": 2, "p90_s": 3}, "free": {"p10": 1, "p50": 2, "p90": 3},
    "version": "1", "stream": "a1", "seq": 4, "sensors": [{"kind": "gate", "names": ["x"]}],
    "sensor_age_s": {"gate x": 1.5}, "refused": {"late": 3}, "temperature_c": 55.5,
}  # fmt: skip
_NAMES = {
    "people": "lobby", "crossing": "entrance", "pulse": "front-in", "cars": "front",
    "press": "next-c6", "ticket": "moving", "queue": "insurance", "counter": "c6",
    "bookings": "mynumber",
    "level": "moving", "pause": "moving", "set": "front", "notice": "flood", "beat": "all",
    "skip": "all", "gap": "moving",
}  # fmt: skip
WORDS = [
    *(f'"{name}"'.encode() for name in _READING | _ENVELOPE),
    b"null", b"1e999", b"[" * 9, b'"issued"', b'"served"', b'"long"', b"1000000", b"2026-11-2",
]  # fmt: skip


def _seen(kind: str) -> bytes:
    told = _ENVELOPE | _READING | ({"open": True} if kind == "counter" else {})
    topic = f"machiai/v1/minami/desk/obs/{kind}/{_NAMES[kind]}"
    return topic.encode() + b"\n" + json.dumps(told).encode()


_SAID = json.dumps(_RESULT).encode()
MESSAGES = [
    *map(_seen, KINDS),
    *(f"machiai/v1/minami/hub/{kind}/x\n".encode() + _SAID for kind in RESULTS),
    *(f"machiai/v1/minami/cam-1/{leaf}\n".encode() + _SAID for leaf in DEVICE_MESSAGES),
]
"""Topic, line feed, payload."""

HISTORIES = [
    *map(_seen, KINDS),
    *(
        b"\n\n".join(map(_seen, random.Random(seed).choices(list(KINDS), k=6)))
        for seed in range(20)
    ),
]
"""Several messages with an empty line between."""

_OFFICE_LASTS = 4000  # observations; what an office may remember of them is bounded by its day


def codec() -> One:
    """Refused by a known error, or the same after a round trip."""

    def one(data: bytes) -> None:
        first, _, payload = data.partition(b"\n")
        topic = first.decode("utf-8", "replace")
        with contextlib.suppress(BadTopic, BadPayload):
            seen = decode_observation(topic, payload)
            written = encode_observation(seen.envelope, seen.reading)
            again = decode_observation(topic, written)
            assert encode_observation(again.envelope, again.reading) == written
        with contextlib.suppress(BadTopic, BadPayload):
            for level in split(topic)[2]:
                if level in _MESSAGES:
                    message = decode(_MESSAGES[level], payload)
                    written = encode(message)
                    assert encode(decode(_MESSAGES[level], written)) == written

    return one


def fold() -> One:
    """Whatever can be read can be folded, told of, and kept over a restart."""
    site = parse((ROOT / "ansible" / "sites" / "example.toml").read_text("utf-8"))
    office, folded = Office(site), 0

    def one(data: bytes) -> None:
        nonlocal office, folded
        for message in data.split(b"\n\n"):
            first, _, payload = message.partition(b"\n")
            try:
                seen = decode_observation(first.decode("utf-8", "replace"), payload)
            except (BadTopic, BadPayload):
                continue
            folded += 1
            now = NOON + timedelta(seconds=folded)
            office.fold(seen, min(seen.envelope.at or now, now).timestamp(), now.timestamp())
        for result in office.results(NOON + timedelta(seconds=folded)).values():
            encode(result)
        if folded > _OFFICE_LASTS:
            office, folded = Office.load(site, Office(site).dump()), 0
        elif folded % 50 == 0:
            office = Office.load(site, office.dump())
        office.new_calls()

    return one
