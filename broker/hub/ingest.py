"""What of the stream of messages is new, where it stands in time, and what is missing before it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from broker.clock import FIRST_DAY
from broker.hub.history.sqlite import Mark, Record, from_milliseconds, milliseconds
from models.contract.codec import decode, decode_envelope, decode_reading, encode_observation
from models.contract.codec import is_observation as names_observation
from models.contract.observations import Envelope, Gap, Observation
from models.contract.results import About
from models.contract.topics import observation as observation_topic
from models.contract.topics import split
from models.errors import BadPayload, BadTopic

_AHEAD = timedelta(minutes=5)
"""A device whose clock is further ahead of the hub's is not believed."""


class Taken(msgspec.Struct, frozen=True):
    """A record to keep, and the observation to fold; None where it could not be understood."""

    record: Record
    observation: Observation | None


class Ingest:
    """Takes messages in the order of arrival. It has no connection and no disk.

    `behind` holds the streams that must hear how far the hub has come: what they sent is already
    here, or something before it is missing. `refused` counts what could not be used, by reason.
    """

    def __init__(self, marks: Iterable[Mark]) -> None:
        self.marks = {(mark.device, mark.stream): mark for mark in marks}
        self.behind: set[tuple[str, str]] = set()
        self.refused: Counter[str] = Counter()
        self._oldest: dict[tuple[str, str], int] = {}

    def take(self, topic: str, payload: bytes, received_at: datetime) -> list[Taken]:
        """One message.

        Returns:
            What is new of it: nothing for a duplicate or behind a hole, two where a hole is passed
            over.

        Raises:
            BadTopic, BadPayload: counted already; the caller may log it.
        """
        try:
            site, device, levels = split(topic)
            if not names_observation(levels):
                if levels == ["about"]:
                    self._learn_about(device, decode(About, payload))
                return []
            envelope = decode_envelope(payload)
        except (BadTopic, BadPayload) as error:
            self.refused[type(error).__name__] += 1
            raise
        key = (device, envelope.stream)
        mark = self.marks.setdefault(key, Mark(device=device, stream=envelope.stream))
        passed = self._pass_over(mark, site, envelope, received_at)
        if envelope.seq != mark.seq + 1:
            self.behind.add(key)
            return passed
        mark.seq = envelope.seq
        return [*passed, self._taken(topic, envelope, payload, received_at)]

    def _taken(
        self, topic: str, envelope: Envelope, payload: bytes, received_at: datetime
    ) -> Taken:
        site, device, (_, kind, name) = split(topic)
        at = self._dated(self.marks[device, envelope.stream], envelope, received_at)
        refused: str | None = None
        observation: Observation | None = None
        try:
            observation = Observation(
                site=site,
                device=device,
                kind=kind,
                name=name,
                envelope=envelope,
                reading=decode_reading(kind, payload),
            )
        except (BadTopic, BadPayload) as error:
            self.refused[type(error).__name__] += 1
            refused = str(error)
        record = Record(
            device=device,
            stream=envelope.stream,
            seq=envelope.seq,
            kind=kind,
            name=name,
            at=at,
            received_at=received_at,
            payload=payload,
            refused=refused,
        )
        return Taken(record, observation)

    def _learn_about(self, device: str, about: About) -> None:
        if about.stream:
            self._oldest[device, about.stream] = about.oldest

    def _pass_over(
        self, mark: Mark, site: str, envelope: Envelope, received_at: datetime
    ) -> list[Taken]:
        """A hole below what the device still holds will never be filled: say so and go on."""
        oldest = min(self._oldest.get((mark.device, mark.stream), 0), envelope.seq)
        if oldest <= mark.seq + 1:
            return []
        gap = Gap(since=None, why=f"{mark.seq + 1} to {oldest - 1} are no longer held")
        made = msgspec.structs.replace(envelope, seq=oldest - 1, at=None)
        mark.seq = oldest - 1
        payload = encode_observation(made, gap)
        topic = observation_topic(site, mark.device, "gap", "all")
        return [self._taken(topic, made, payload, received_at)]

    def _dated(self, mark: Mark, envelope: Envelope, received_at: datetime) -> datetime:
        """When it was seen: as the device says, else by how long the device had been up.

        The smallest difference between our clock and its uptime is the moment of its boot, late by
        the quickest delivery so far.
        """
        offset_ms = milliseconds(received_at) - envelope.up_ms
        if mark.boot != envelope.boot or mark.offset_ms is None:
            mark.boot, mark.offset_ms = envelope.boot, offset_ms
        at = envelope.at
        if at is not None and FIRST_DAY <= at <= received_at + _AHEAD:
            mark.offset_ms = min(mark.offset_ms, milliseconds(at) - envelope.up_ms)
            return at
        mark.offset_ms = min(mark.offset_ms, offset_ms)
        return min(from_milliseconds(mark.offset_ms + envelope.up_ms), received_at)
