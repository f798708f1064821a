"""What of the stream of messages is new, where it stands in time, and what is missing before it."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import cast

import msgspec

from broker.clock import FIRST_DAY
from broker.hub.history.sqlite import Mark, Record, from_milliseconds, milliseconds
from models.contract.codec import decode, decode_envelope, decode_reading, encode_observation
from models.contract.codec import is_observation as names_observation
from models.contract.observations import Envelope, Gap, Observation, Skip
from models.contract.results import About
from models.contract.topics import HUB, split
from models.errors import BadPayload, BadTopic

_FIRST_MS = milliseconds(FIRST_DAY)
_AHEAD_MS = 5 * 60 * 1000
"""A device whose clock is further ahead of the hub's is not believed."""

MOST_STREAMS = 256
"""Marks of one device; of more the one that was idle for longest is forgotten."""

_Key = tuple[str, str]


class Taken(msgspec.Struct, frozen=True):
    """A record to keep, and the observation to fold; None where there is nothing to fold."""

    record: Record
    observation: Observation | None


class Ingest:
    """Takes messages in the order of arrival. It has no connection and no disk.

    `newest` is the stream of each device that was heard last.
    `behind` holds the streams of which something is missing, `repeated` those that sent what is
    already here, `greeted` those that ask how far we are: all must hear it. `refused` counts what
    could not be used, by reason. What the hub itself notes of a device stands in its stream `hub`.
    """

    def __init__(self, marks: Iterable[Mark]) -> None:
        self.marks = {(mark.device, mark.stream): mark for mark in marks}
        self.behind: set[_Key] = set()
        self.repeated: set[_Key] = set()
        self.greeted: set[_Key] = set()
        self.refused: Counter[str] = Counter()
        self.newest = {device: stream for device, stream in self.marks if stream != HUB}
        self._abouts: dict[str, _Said] = {}
        self._now: datetime | None = None
        self._now_ms = 0

    def acknowledged(self, key: _Key) -> int:
        """How far we are in a stream; 0 in one that is not known."""
        mark = self.marks.get(key)
        return mark.seq if mark is not None else 0

    def take(
        self, topic: str, payload: bytes, received_at: datetime, *, retained: bool = False
    ) -> list[Taken]:
        """One message.

        Args:
            topic: what it came on.
            payload: what it says.
            received_at: now.
            retained: whether it was said before we listened; then nobody knows when.

        Returns:
            What is new of it: nothing for a duplicate or behind a hole; before it what the hub has
            to note of the stream.

        Raises:
            BadTopic, BadPayload: counted already; the caller may log it.
        """
        try:
            site, device, levels = split(topic)
            if not names_observation(levels):
                if levels == ["about"]:
                    self._learn(device, decode(About, payload), received_at, retained=retained)
                return []
            envelope = _envelope(payload)
        except (BadTopic, BadPayload) as error:
            self.refused[type(error).__name__] += 1
            raise
        _, kind, name = levels
        key = (device, envelope.stream)
        mark = self.marks.get(key) or self._begun(key)
        message = _Message(site, device, kind, name, envelope, payload)
        reach = message.reach()
        wanted = max(mark.seq + 1, min(self._oldest(key), envelope.seq))
        if not envelope.seq <= wanted <= reach:
            (self.repeated if reach < wanted else self.behind).add(key)
            return []
        received_ms = self._milliseconds(received_at)
        if kind == "skip":  # nobody saw it happen: it is no news of the device
            at_ms = mark.at_ms or received_ms
        else:
            at_ms = self._dated(mark, envelope, received_ms)
        notes = [
            self._noted(message, Gap(since=since, why=why), at_ms, received_ms)
            for since, why in self._gaps(mark, wanted, envelope)
        ]
        self.newest[device] = envelope.stream
        mark.seq = reach
        if kind != "skip":  # nobody saw it happen
            mark.at_ms = max(mark.at_ms or 0, at_ms)
        mark.received_ms = received_ms
        if envelope.seq < wanted:  # a skip of which we had the first part
            message = message.standing_at(wanted)
        return [*notes, self._understood(message, at_ms, received_ms)]

    def _milliseconds(self, now: datetime) -> int:
        """Of the same moment again and again: a chunk of messages comes at one."""
        if now is not self._now:
            self._now, self._now_ms = now, milliseconds(now)
        return self._now_ms

    def _begun(self, key: _Key) -> Mark:
        """A stream that was never heard of."""
        of_device = [mark for mark in self.marks.values() if mark.device == key[0]]
        if len(of_device) >= MOST_STREAMS:
            idle = min(of_device, key=lambda mark: (mark.stream == HUB, mark.received_ms or 0))
            del self.marks[idle.device, idle.stream]
        return self.marks.setdefault(key, Mark(device=key[0], stream=key[1]))

    def _oldest(self, key: _Key) -> int:
        """From where the device still holds this stream, as far as it said."""
        said = self._abouts.get(key[0])
        return said.oldest if said is not None and said.stream == key[1] else 0

    def _gaps(
        self, mark: Mark, wanted: int, envelope: Envelope
    ) -> list[tuple[datetime | None, str]]:
        """Since when, and why, something of this stream's device may be missing before `wanted`."""
        gaps: list[tuple[datetime | None, str]] = []
        if wanted == mark.seq + 1 and (mark.seq or self._follows(mark.device, envelope)):
            return gaps  # as nearly always
        since = _last_seen([mark])
        if mark.seq == 0:
            known = [m for m in self.marks.values() if m.device == mark.device and m.seq]
            since = _last_seen(known)
            if known:
                gaps.append((since, "a new outbox"))
        if wanted > mark.seq + 1:
            gaps.append((since, f"{mark.seq + 1} to {wanted - 1} are no longer held"))
        return gaps

    def _follows(self, device: str, envelope: Envelope) -> bool:
        """Whether a new stream goes on exactly where we are with its device."""
        newest = self.newest.get(device, "")
        return envelope.after == f"{newest}/{self.acknowledged((device, newest))}"

    def _noted(self, message: "_Message", gap: Gap, at_ms: int, received_ms: int) -> Taken:
        """What the hub itself notes of a device."""
        key = (message.device, HUB)
        mark = self.marks.get(key) or self._begun(key)
        mark.seq += 1
        mark.received_ms = received_ms
        noted = msgspec.structs.replace(
            message.envelope,
            stream=HUB,
            seq=mark.seq,
            at=from_milliseconds(at_ms),
            after=msgspec.UNSET,
        )
        made = _Message(
            message.site, message.device, "gap", "all", noted, encode_observation(noted, gap)
        )
        return self._understood(made, at_ms, received_ms)

    def _understood(self, message: "_Message", at_ms: int, received_ms: int) -> Taken:
        refused: str | None = None
        observation: Observation | None = None
        try:
            observation = message.observation()
            if message.kind == "skip":
                observation = None  # nothing was seen
        except (BadTopic, BadPayload) as error:
            self.refused[type(error).__name__] += 1
            refused = str(error)
        record = Record(
            device=message.device,
            stream=message.envelope.stream,
            seq=message.envelope.seq,
            kind=message.kind,
            name=message.name,
            at_ms=at_ms,
            received_ms=received_ms,
            payload=message.payload,
            refused=refused,
        )
        return Taken(record, observation)

    def _learn(self, device: str, about: About, received_at: datetime, *, retained: bool) -> None:
        """What a device says of its outbox and of its boot; it hears in turn how far we are."""
        if not about.stream or about.stream == HUB:
            return
        booted_ms: int | None = None
        if about.up_ms is not None and not retained:
            booted_ms = milliseconds(received_at) - about.up_ms
        self._abouts[device] = _Said(about.stream, about.oldest, about.boot, booted_ms)
        mark = self.marks.get((device, about.stream))
        if mark is not None and booted_ms is not None and mark.boot == about.boot:
            mark.offset_ms = booted_ms
        self.greeted.add((device, about.stream))

    def _dated(self, mark: Mark, envelope: Envelope, received_ms: int) -> int:
        """When it was seen: as the device says, else by how long the device had been up.

        The moment of its boot is what its dated observations say; before there are any, what it
        said when it connected, or the smallest difference between our clock and its uptime, which
        is late by the quickest delivery so far.
        """
        if mark.boot != envelope.boot or mark.offset_ms is None:
            said = self._abouts.get(mark.device)
            mark.boot = envelope.boot
            is_same = said is not None and said.boot == envelope.boot
            mark.offset_ms = said.booted_ms if said is not None and is_same else None
        if envelope.at is not None:
            at_ms = milliseconds(envelope.at)
            if _FIRST_MS <= at_ms <= received_ms + _AHEAD_MS:
                mark.offset_ms = at_ms - envelope.up_ms
                return at_ms
        at_most_ms = received_ms - envelope.up_ms
        mark.offset_ms = min(at_most_ms, at_most_ms if mark.offset_ms is None else mark.offset_ms)
        return mark.offset_ms + envelope.up_ms


class _Said(msgspec.Struct, frozen=True):
    """The last `about` of a device."""

    stream: str
    oldest: int
    boot: str
    booted_ms: int | None


class _Message(msgspec.Struct, frozen=True):
    """A message of which the envelope is understood."""

    site: str
    device: str
    kind: str
    name: str
    envelope: Envelope
    payload: bytes

    def reach(self) -> int:
        """How far it takes its stream: a skip further than itself."""
        if self.kind == "skip":
            with suppress(BadPayload):  # counted when it is its turn
                skip = decode_reading(self.kind, self.payload)
                return max(self.envelope.seq, cast("Skip", skip).upto)
        return self.envelope.seq

    def standing_at(self, seq: int) -> "_Message":
        """The same at a later place."""
        envelope = msgspec.structs.replace(self.envelope, seq=seq)
        payload = encode_observation(envelope, decode_reading(self.kind, self.payload))
        return msgspec.structs.replace(self, envelope=envelope, payload=payload)

    def observation(self) -> Observation:
        """All of it.

        Raises:
            BadTopic, BadPayload: it is not what its kind asks for.
        """
        return Observation(
            site=self.site,
            device=self.device,
            kind=self.kind,
            name=self.name,
            envelope=self.envelope,
            reading=decode_reading(self.kind, self.payload),
        )


def _envelope(payload: bytes) -> Envelope:
    """Of a device's observation.

    Raises:
        BadPayload: it is none, or it pretends to be the hub's own.
    """
    envelope = decode_envelope(payload)
    if envelope.stream == HUB:
        raise BadPayload(f"want a device's stream, got {HUB!r}")
    return envelope


def _last_seen(marks: Iterable[Mark]) -> datetime | None:
    """When these streams were last seen to say anything."""
    seen = [mark.at_ms for mark in marks if mark.at_ms]
    return from_milliseconds(max(seen)) if seen else None
