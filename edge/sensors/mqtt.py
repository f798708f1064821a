"""Devices of other makes that say by MQTT what they see: buttons, contacts, relays, counters.

Our own beats say that this agent lives, not that such a device does. So one that is said to be gone
is a SensorFailed: the agent alerts, and tells the hub since when nothing was seen.
"""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Annotated, ClassVar, NamedTuple

import msgspec

from broker.mqtt.by_paho import PahoLink
from broker.mqtt.link import Greeting
from edge.bridge import elsewhere
from edge.bridge.aims import COUNTED, Where, aimed, known_now_s, means
from edge.bridge.elsewhere import ElsewhereSettings
from edge.sensors import Output, Port
from models.errors import BadPayload, BadSite, SensorFailed
from models.sensing.foreign import Foreign, Presence, Refused, Rule, check
from models.sensing.profiles import PROFILES, Names
from models.site import Site

Topic = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""One topic, no pattern: what it is heard for stands in the site file."""

Part = Annotated[str, msgspec.Meta(pattern=r"^[^/~+#\x00-\x1f\x7f]{1,64}(?!\n)$")]

_MOST_WAITING = 1000
_SETTLE_S = 1.0  # what the broker has kept comes at once
_LONGEST_S = 30.0
_RENEWED_S = 150.0  # a gap of more than two minutes leaves tickets and crowds unknown


class MqttSettings(ElsewhereSettings, frozen=True, kw_only=True):
    """One device of another make in the site file."""

    profile: str | None = None
    source: Topic | None = None
    part: Part | None = None
    base: Topic | None = None
    topic: Topic | None = None
    value: Where | None = None
    total: bool = False
    available: tuple[Topic, ...] = ()
    alive: tuple[Topic, ...] = ()


class _Heard(NamedTuple):
    topic: str
    payload: bytes
    retain: bool
    t_s: float


class Mqtt:
    """One device of another make."""

    Settings: ClassVar = MqttSettings

    def __init__(self, settings: MqttSettings, site: Site) -> None:
        self._settings, self._site = settings, site
        self._aimed, self._output = aimed(settings, site)
        self._foreign = Foreign(self._aimed)
        self._where = self._read()
        elsewhere.check(settings)
        self._title = settings.source or settings.topic or ""
        self._client = settings.client or f"machiai-{uuid.uuid4().hex[:8]}"
        self._every_s = min(_LONGEST_S, site.freshness.camera_s / 3)
        self._lost: str | None = None
        """The topic on which it was said to be gone, also over a new start; None is it was not."""
        self._patience_s = _RENEWED_S

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return [self._output]

    async def run(self, port: Port) -> None:
        """Hear it until cancelled.

        Raises:
            Unavailable: the broker does not answer, or is lost.
            SensorFailed: the device is said to be gone.
            Missing: a file that is named is not there.
        """
        ear = _Ear(port)
        link = PahoLink(
            Greeting(
                address=await asyncio.to_thread(
                    elsewhere.address, self._settings, self._site.broker
                ),
                client_id=self._client,
                subscriptions=self._where.topics,
            ),
            ear.opened.set,
            ear.hear,
        )
        self._foreign.forget()
        presence = Presence(self._where.available)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(link.run(), name=f"{self._title} link")
                group.create_task(self._listen(port, ear, presence), name=self._title)
                group.create_task(self._stand_by(port, ear, presence), name=f"{self._title} there")
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None  # the agent knows errors one at a time

    async def _listen(self, port: Port, ear: "_Ear", presence: Presence) -> None:
        """Take what comes, in its order."""
        while True:
            heard = await ear.inbox.get()
            if heard.topic in presence.topics:
                await self._hear_of(heard, port, presence)
            elif heard.retain:  # nobody knows how old it is
                port.refuse("want what is said now, got a retained message")
            elif heard.topic in self._where.alive:
                ear.is_paced = True
                await self._repeat(port)
            else:
                await self._take(heard, port, presence)

    async def _take(self, heard: _Heard, port: Port, presence: Presence) -> None:
        """Emit what the device says."""
        for rule in self._where.rules:
            if rule.topic != heard.topic:
                continue
            now_s = known_now_s(port.clock) if rule.at else None
            for made in self._foreign.take(rule, heard.payload, heard.t_s, now_s):
                if isinstance(made, Refused):
                    port.refuse(made.why)
                    continue
                if presence.gone is not None:  # who speaks is there, whatever else is said
                    presence.forget()
                self._lost = None
                await port.emit(self._output.name, made)

    async def _hear_of(self, heard: _Heard, port: Port, presence: Presence) -> None:
        """Hear whether the device is there.

        Raises:
            SensorFailed: it is gone, and that is new.
        """
        try:
            is_here = presence.hear(heard.topic, heard.payload)
        except BadPayload as error:
            port.refuse(str(error))
            return
        if not (is_here and heard.retain):
            self._foreign.forget()  # it is gone, or has begun anew
        if not is_here and self._lost is None:
            self._patience_s = _RENEWED_S
            self._lose(heard.topic)
        is_back = is_here and heard.topic == self._lost
        if is_back:
            self._lost = None
        if is_back or (is_here and not heard.retain):
            await self._be_there(port, presence)

    async def _stand_by(self, port: Port, ear: "_Ear", presence: Presence) -> None:
        """Say again how many there are while the device is there; say again that it is gone.

        Raises:
            SensorFailed: it has been gone for so long that this is worth telling again.
        """
        await ear.opened.wait()
        await port.clock.sleep(_SETTLE_S)
        await self._be_there(port, presence)
        gone_s = 0.0
        while True:
            await port.clock.sleep(self._every_s)
            if self._lost is None:
                gone_s = 0.0
                if presence.is_here and not ear.is_paced:
                    await self._repeat(port)
                continue
            gone_s += self._every_s
            if gone_s >= self._patience_s:
                self._patience_s *= 2
                await port.describe(self._basis)  # tells the gap up to here
                self._lose(self._lost)

    async def _be_there(self, port: Port, presence: Presence) -> None:
        """Say that it works, unless somebody has said that it is gone and not taken that back."""
        if presence.gone is None and self._lost is None:
            await port.describe(self._basis)

    async def _repeat(self, port: Port) -> None:
        """A count that has not changed is as true as the device is alive."""
        if self._aimed.aim in COUNTED and self._foreign.held is not None:
            await port.emit(self._output.name, self._foreign.held)

    def _lose(self, topic: str) -> None:
        self._lost = topic
        raise SensorFailed(f"want {self._title} online, got offline - on {topic}")

    # ── the settings ──────────────────────────────────────────────────────────────────────────────

    @property
    def _basis(self) -> str:
        profile = PROFILES.get(self._settings.profile or "")
        return f"{profile.title if profile else 'MQTT'} {self._title}"

    def _read(self) -> "_Where":
        """Where it says what.

        Raises:
            BadSite: neither a profile nor a topic, or what does not fit with it.
        """
        given = self._settings
        for key in ("source", "base", "topic"):
            _check_topic(getattr(given, key) or "", key)
        for key in ("available", "alive"):
            for i, topic in enumerate(getattr(given, key)):
                _check_topic(topic, f"{key}[{i}]")
        by_profile, plain = ("source", "part", "base"), ("topic", "value", "total")
        for key in plain if given.profile is not None else by_profile:
            if getattr(given, key):
                with_it = "without" if given.profile is not None else "with"
                raise BadSite(f"want it {with_it} a profile only - at `$.{key}`")
        return self._of_topic() if given.profile is None else self._of_profile(given.profile)

    def _of_topic(self) -> "_Where":
        given = self._settings
        if given.topic is None:
            raise BadSite("want a `profile` or a `topic`, got neither - at `$.topic`")
        place = given.value or ""
        check(place, "value")
        meant = means(self._aimed.aim, total=given.total)
        rule = Rule(topic=given.topic, place=place, means=meant)
        return _Where(rules=(rule,), available=given.available, alive=given.alive)

    def _of_profile(self, name: str) -> "_Where":
        given, profile = self._settings, PROFILES.get(name)
        if profile is None:
            raise BadSite(f"want a profile of {', '.join(PROFILES)}, got {name!r} - at `$.profile`")
        way = profile.ways.get(self._aimed.aim)
        if way is None:
            can = ", ".join(profile.ways)
            raise BadSite(f"want {can} of {profile.title} - at `$.{self._aimed.aim}`")
        if given.source is None:
            raise BadSite("want the name that it has in its topics, got none - at `$.source`")
        part = given.part or way.part
        if not part:
            raise BadSite(f"want which part of {given.source}, got none - at `$.part`")
        names = Names(base=given.base or profile.base, source=given.source, part=part)
        return _Where(
            rules=tuple(names.rule(rule) for rule in way.rules),
            available=(*map(names.put, profile.available), *given.available),
            alive=(*map(names.put, profile.alive), *given.alive),
        )


class _Where(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device says what, on which topics it is said to be there, and what shows its life."""

    rules: tuple[Rule, ...]
    available: tuple[str, ...]
    alive: tuple[str, ...]

    @property
    def topics(self) -> list[str]:
        """All of them, each once."""
        return list(
            dict.fromkeys([*self.available, *self.alive, *(rule.topic for rule in self.rules)])
        )


class _Ear:
    """What comes in on one connection, until it is taken."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self.opened = asyncio.Event()
        self.inbox: asyncio.Queue[_Heard] = asyncio.Queue(_MOST_WAITING)
        self.is_paced = False
        """Whether the device says again and again that it is alive: then a count goes with that."""

    def hear(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        heard = _Heard(topic, payload, retain, self._port.clock.monotonic())
        try:
            self.inbox.put_nowait(heard)
        except asyncio.QueueFull:
            self._port.refuse(f"want at most {_MOST_WAITING} messages at once, got more")


def _check_topic(topic: str, path: str) -> None:
    """Refuse patterns: who writes `#` hears what nobody has thought of.

    Raises:
        BadSite: it is one, or no topic at all.
    """
    if set(topic) & set("+#") or topic.startswith("$") or not topic.isprintable():
        raise BadSite(f"want one topic, without + and #, got {topic[:40]!r} - at `$.{path}`")
