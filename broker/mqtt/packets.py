"""MQTT 3.1.1 as bytes: what a client that speaks QoS 0 and 1 writes and reads. Pure.

Source: OASIS MQTT 3.1.1; section numbers stand at the functions.
"""

from collections.abc import Iterator

from models.errors import BadPayload

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"

LARGEST = 16 * 1024 * 1024
"""A packet above this is no broker of ours: memory stays bounded."""

REFUSALS = {
    1: "Unsupported protocol version",
    2: "Client identifier not valid",
    3: "Server unavailable",
    4: "Bad user name or password",
    5: "Not authorized",
}
"""Return codes of CONNACK (3.2.2.3)."""

_CLEAN, _WILL, _WILL_QOS_1, _WILL_RETAIN, _PASSWORD, _USER = 0x02, 0x04, 0x08, 0x20, 0x40, 0x80
_MORE = 0x80  # another byte of the remaining length follows (2.2.3)
_LENGTH_BYTES = 4


def _text(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return len(data).to_bytes(2, "big") + data


def _packet(first: int, body: bytes) -> bytes:
    length, digits = len(body), bytearray()
    while True:
        length, digit = length >> 7, length & 0x7F
        digits.append(digit | _MORE if length else digit)
        if not length:
            return bytes((first, *digits)) + body


def connect(
    client_id: str,
    keepalive_s: int,
    *,
    user: str | None,
    password: str | None,
    will: tuple[str, bytes] | None,
) -> bytes:
    """CONNECT with a clean session (3.1); the will is retained and of QoS 1."""
    flags, payload = _CLEAN, _text(client_id)
    if will is not None:
        flags |= _WILL | _WILL_QOS_1 | _WILL_RETAIN
        payload += _text(will[0]) + _text(will[1])
    if user is not None:
        flags |= _USER
        payload += _text(user)
    if user is not None and password is not None:
        flags |= _PASSWORD
        payload += _text(password)
    return _packet(
        0x10, _text("MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2, "big") + payload
    )


def subscribe(number: int, topics: tuple[str, ...]) -> bytes:
    """SUBSCRIBE to all at QoS 1 (3.8)."""
    body = number.to_bytes(2, "big") + b"".join(_text(topic) + b"\x01" for topic in topics)
    return _packet(0x82, body)


def publish(topic: str, payload: bytes, number: int | None, *, retain: bool) -> bytes:
    """PUBLISH (3.3): of QoS 1 with a packet number, else of QoS 0."""
    if number is None:
        return _packet(0x30 | retain, _text(topic) + payload)
    return _packet(0x32 | retain, _text(topic) + number.to_bytes(2, "big") + payload)


def split(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The whole packets that data begins with: first byte, start and end of the body.

    Raises:
        BadPayload: a length that no packet of ours has.
    """
    at, end = 0, len(data)
    while end - at >= 2:  # noqa: PLR2004  the shortest packet
        length, shift, body = 0, 0, at + 1
        while True:
            if body == end:
                return
            digit = data[body]
            body += 1
            length |= (digit & 0x7F) << shift
            if digit < _MORE:
                break
            shift += 7
            if shift == 7 * _LENGTH_BYTES:
                raise BadPayload("want a length of at most 4 bytes, got more, from the broker")
        if length > LARGEST:
            raise BadPayload(f"want at most {LARGEST} bytes, got {length}, from the broker")
        if body + length > end:
            return
        yield data[at], body, body + length
        at = body + length
