"""What is written is read back; what is not of the contract is refused, in one line."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.contract import results, topics
from models.contract.codec import (
    MAX_BYTES,
    decode,
    decode_envelope,
    decode_observation,
    encode,
    encode_observation,
    plain,
    stamp,
)
from models.contract.observations import KIND_OF, KINDS, Beat, Envelope, People
from models.errors import BadPayload, BadTopic
from tests.models.messages import TIMES, any_of

MESSAGES = [
    *results.DEVICE_MESSAGES.values(),
    *results.RESULTS.values(),
    results.CallsResult,
    results.Call,
    results.HubAbout,
]
ENVELOPE = Envelope(stream="s", seq=1, boot="b", up_ms=0)
PEOPLE = encode_observation(ENVELOPE, People(count=3))


def topic(kind: str = "people") -> str:
    return topics.observation("minami", "cam-1", kind, "lobby")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(data=st.data())
def test_every_observation_comes_back_as_it_was(kind: str, data: st.DataObject) -> None:
    envelope = data.draw(any_of(Envelope))
    reading = data.draw(any_of(KINDS[kind]))
    payload = encode_observation(envelope, reading)
    observation = decode_observation(topic(kind), payload)
    assert (observation.envelope, observation.reading) == (envelope, reading)
    assert (observation.site, observation.device) == ("minami", "cam-1")
    assert (observation.kind, observation.name) == (kind, "lobby")
    assert KIND_OF[type(reading)] == kind


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_every_message_comes_back_as_it_was(
    kind: type[results.Message], data: st.DataObject
) -> None:
    message = data.draw(any_of(kind))
    assert decode(kind, encode(message)) == message
    assert json.loads(encode(message)) == plain(message)


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_a_reading_hides_one_of_the_envelope(kind: str) -> None:
    names = [field.encode_name for field in msgspec.structs.fields(KINDS[kind])]
    assert not set(names) & {field.encode_name for field in msgspec.structs.fields(Envelope)}


@given(at=TIMES, hours=st.integers(-12, 14))
def test_the_wire_knows_one_way_to_write_a_time(at: datetime, hours: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(hours=hours)))
    assert stamp(elsewhere) == stamp(at)
    assert stamp(at).endswith("Z")
    assert datetime.fromisoformat(stamp(at)) == at


@given(payload=st.binary(max_size=200))
@example(payload=b"")
@example(payload=b"null")
@example(payload=b'"\xff\xfe"')
@example(payload=b'{"stream": "\\ud800"}')
@example(payload=b"1e999")
def test_random_bytes_are_a_bad_payload_and_nothing_else(payload: bytes) -> None:
    for kind in KINDS:
        with pytest.raises(BadPayload) as caught:
            decode_observation(topic(kind), payload)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "payload",
    [b"[" * 60_000, b'{"x":' * 10_000, b'{"stream":' + b"[" * 50_000, PEOPLE[:-1]],
    ids=["deep list", "deep object", "deep field", "cut off"],
)
def test_a_deep_or_broken_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_observation(topic(), payload)


def test_ten_megabytes_are_refused_unread() -> None:
    with pytest.raises(BadPayload, match=f"want at most {MAX_BYTES} bytes, got 10000000"):
        decode_observation(topic(), b" " * 10_000_000)


def changed(**fields: object) -> bytes:
    """A good observation with something else in it."""
    return json.dumps(json.loads(PEOPLE) | fields).encode()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"count": -1}, "$.count"),
        ({"count": 1_000_001}, "$.count"),
        ({"count": "3"}, "$.count"),
        ({"count": None}, "$.count"),
        ({"seq": 0}, "$.seq"),
        ({"seq": 2**64}, "$.seq"),
        ({"up_ms": -1}, "$.up_ms"),
        ({"stream": "A B"}, "$.stream"),
        ({"stream": "s\n"}, "$.stream"),
        ({"boot": "x" * 65}, "$.boot"),
        ({"at": "2026-11-24T10:32:00"}, "$.at"),
        ({"at": "yesterday"}, "$.at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "year"),
        ({"at": "9999-12-31T23:59:59-14:00"}, "year"),
    ],
    ids=str,
)
def test_what_no_outbox_writes_is_refused(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(BadPayload) as caught:
        decode_observation(topic(), changed(**fields))
    assert path in str(caught.value)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    assert decode_observation(topic(), changed(colour="red")).reading == People(count=3)


def test_the_envelope_of_what_cannot_be_understood_is_still_read() -> None:
    assert decode_envelope(changed(count="many")) == ENVELOPE


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "machiai/v1",
        "machiai/v1/minami/cam-1",
        "machiai/v2/minami/cam-1/obs/people/lobby",
        "machiai/v1/minami/cam-1/obs/people",
        "machiai/v1/minami/cam-1/obs/people/lobby/more",
        "machiai/v1/minami/cam-1/cmd/people/lobby",
        "machiai/v1/minami/cam-1/obs/ghosts/lobby",
        "machiai/v1/Minami/cam-1/obs/people/lobby",
        "machiai/v1/minami/cam-1/obs/people/lobby\n",
        "machiai/v1/minami/cam-1/obs/people/+",
        "machiai/v1/minami//obs/people/lobby",
        "machiai/v1/minami/cam-1/obs/people/" + "x" * 33,
        "machiai/v1/minami/cam-1/obs/people/ロビー",
    ],
)
def test_a_topic_that_is_none_of_ours_is_refused(bad: str) -> None:
    with pytest.raises(BadTopic) as caught:
        decode_observation(bad, PEOPLE)
    assert "\n" not in str(caught.value)


@given(text=st.text(max_size=40))
def test_a_name_is_an_id_or_is_refused(text: str) -> None:
    is_id = 1 <= len(text) <= 32 and set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    try:
        written = topics.observation("minami", "cam-1", "people", text)
    except BadTopic:
        assert not is_id
    else:
        assert is_id
        assert topics.split(written) == ("minami", "cam-1", ["obs", "people", text])


def test_unknown_is_null_and_never_zero() -> None:
    now = datetime(2026, 11, 24, 1, 32, tzinfo=UTC)
    written = plain(results.ServiceResult(at=now, valid_until=now, state="no_data"))
    assert {written[key] for key in ("level", "waiting", "called", "wait")} == {None}


def test_a_beat_says_nothing_but_its_envelope() -> None:
    assert json.loads(encode_observation(ENVELOPE, Beat())) == plain(ENVELOPE)
