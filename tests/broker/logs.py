"""A log of some days of the synthetic office, as `machiai hub --export` would write it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from models.contract import topics
from models.contract.codec import encode_observation, stamp
from models.contract.observations import Envelope
from models.site import Site
from models.world.office import live

Line = tuple[datetime, str]
"""When it was received, and the line."""


def line(topic: str, received_at: datetime, payload: bytes) -> str:
    """One line of a log."""
    written = {"topic": topic, "received_at": stamp(received_at), "payload": msgspec.Raw(payload)}
    return msgspec.json.encode(written).decode() + "\n"


def logged(site: Site, first: date, days: int, seed: int = 1) -> Iterator[Line]:
    """Every event of some days, received as it happens."""
    seq = 0
    for n in range(days):
        for event in live(site, first + timedelta(days=n), seed).events:
            seq += 1
            envelope = Envelope(stream="s", seq=seq, boot="b", up_ms=0, at=event.at)
            topic = topics.observation(site.id, "pi", event.kind, event.name)
            yield event.at, line(topic, event.at, encode_observation(envelope, event.reading))
