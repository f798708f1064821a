"""The hub's retained results as one process last heard them."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from broker.clock import Clock
from models.contract import codec, topics
from models.contract.results import (
    RESULTS,
    AccuracyResult,
    Call,
    CallsResult,
    Free,
    HubAbout,
    LineResult,
    LotForecast,
    LotResult,
    Message,
    NoticeResult,
    NoticesResult,
    ProposalResult,
    Result,
    ServiceForecast,
    ServiceResult,
    Spread,
    State,
    ZoneResult,
)
from models.errors import BadPayload, BadTopic
from models.site import Site
from signage.sane import LONGEST_S, sane
from signage.wording import as_drill

logger = logging.getLogger("machiai.mirror")

SILENCE_S = 45.0
"""After so long without the hub, in true seconds, surfaces say that it is gone."""

Hear = Callable[[str, str, bytes, bool], None]
"""A device's id, what it tells of, the payload, and whether that stood at the broker."""

_SINGLE: dict[str, type[Message]] = {
    "state": State,
    "about": HubAbout,
    "notices": NoticesResult,
    "calls": CallsResult,
    "call": Call,
}


class Mirror:
    """The latest of each topic, a version that grows with each change, and who waits for it."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site = site
        self.clock = clock
        self.version = 0
        self.refused: Counter[str] = Counter()
        self.has_news = False
        self._boot = uuid.uuid4().hex[:8]
        self._messages: dict[tuple[str, str], Message] = {}
        self._payloads: dict[str, bytes] = {}
        self._connected = False
        self._connected_since_s: float | None = None
        self._hear: Hear | None = None
        self._silent_since_s: float | None = self._true_s()
        self._bell = asyncio.Event()
        self._was_gone = False

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """What a session must subscribe to."""
        return (topics.result(self.site.id, "#"),)

    def hear_devices(self, hear: Hear) -> None:
        """Hand over what devices and displays say, where the session hears them, too.

        Args:
            hear: it may raise BadPayload.
        """
        self._hear = hear

    @property
    def tag(self) -> str:
        """The version, as an event id that no earlier process has given."""
        return f"{self._boot}-{self.version}"

    def apply(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001  the session's callback
        """Take one message. What is not right is counted and dropped; it never raises.

        `retain` says that it stood at the broker, which may have come back with an old one.
        """
        try:
            self._take(topic, payload, retain=retain)
        except (BadTopic, BadPayload) as error:
            reason = type(error).__name__
            if not self.refused[reason]:
                logger.warning("refused, and more of this kind in silence: %s", error)
            self.refused[reason] += 1

    def connection(self, up: bool) -> None:  # noqa: FBT001  the session's callback
        """The broker is there or is not; what is not heard again soon counts as gone."""
        self._connected = up
        self._connected_since_s = self._true_s() if up else None
        self._listen()

    def watch(self) -> None:
        """Called each second: the hub's silence is a change too."""
        if self.hub_gone != self._was_gone:
            self._was_gone = self.hub_gone
            self.ring()

    @property
    def hub_gone(self) -> bool:
        """Whether the hub is lost, or neither it nor the broker has been there for `SILENCE_S`.

        A hub with nothing new to say is silent and well: it counts as there while the broker holds
        both connections, and the broker tells us of its death by the will.
        """
        if self._silent_since_s is None:
            return False
        if self._connected and self.hub_state is not None:
            return True
        return self._true_s() - self._silent_since_s > SILENCE_S

    @property
    def listening_s(self) -> float | None:
        """True seconds for which the broker has been there without a break; None: it is not."""
        since_s = self._connected_since_s
        return None if since_s is None else self._true_s() - since_s

    @property
    def hub_state(self) -> State | None:
        """What the hub says of itself, or the broker of it."""
        found = self._messages.get(("state", ""))
        return found if isinstance(found, State) else None

    @property
    def hub_about(self) -> HubAbout | None:
        """What the hub is."""
        found = self._messages.get(("about", ""))
        return found if isinstance(found, HubAbout) else None

    def results(self) -> Mapping[str, Result]:
        """All of them by their topic below `hub/`, however old."""
        return {
            "/".join(filter(None, key)): found
            for key, found in self._messages.items()
            if isinstance(found, Result)
        }

    def service(self, name: str) -> ServiceResult | None:
        """The latest of a service, however old."""
        found = self._messages.get(("service", name))
        return found if isinstance(found, ServiceResult) else None

    def lot(self, name: str) -> LotResult | None:
        """The latest of a lot."""
        found = self._messages.get(("lot", name))
        return found if isinstance(found, LotResult) else None

    def zone(self, name: str) -> ZoneResult | None:
        """The latest of a zone."""
        found = self._messages.get(("zone", name))
        return found if isinstance(found, ZoneResult) else None

    def calls(self) -> CallsResult | None:
        """The last called tickets, newest first."""
        found = self._messages.get(("calls", ""))
        return found if isinstance(found, CallsResult) else None

    def call(self) -> Call | None:
        """The ticket that was called just now, if this process has heard of one."""
        found = self._messages.get(("call", ""))
        return found if isinstance(found, Call) else None

    def line(self, service: str) -> LineResult | None:
        """The tickets that wait for a service, however old."""
        found = self._messages.get(("line", service))
        return found if isinstance(found, LineResult) else None

    def notices(self) -> dict[str, NoticeResult]:
        """All notices by their id, also those whose end has come. The texts of a drill say so."""
        return {
            name: msgspec.structs.replace(found, texts=as_drill(found.texts))
            if found.drill
            else found
            for name, found in self._standing().items()
        }

    def proposals(self) -> dict[str, ProposalResult]:
        """Emergencies that wait for a second person, by their id; no resident sees them."""
        now = self.clock.now()
        return {
            name: found
            for (_, name), found in sorted(self._messages.items())
            if isinstance(found, ProposalResult) and now < found.valid_until
        }

    @property
    def edition(self) -> int | None:
        """Of the list of notices that stand; None while the hub has not told it."""
        listed = self._list()
        return None if listed is None else listed.edition

    def lasting(self) -> dict[str, bytes]:
        """What a screen must not forget when it starts again: topics and payloads, to `apply`.

        They are the emergencies, and before them the list of what stands.
        """
        kinds = ["notices"] if self._list() is not None else []
        kinds += [f"notice/{n}" for n, r in self._standing().items() if r.severity == "emergency"]
        written = [topics.result(self.site.id, kind) for kind in kinds]
        return {topic: self._payloads[topic] for topic in written}

    def accuracy(self, service: str) -> AccuracyResult | None:
        """How true the waits of a service were."""
        found = self._messages.get(("accuracy", service))
        return found if isinstance(found, AccuracyResult) else None

    def service_forecast(self, name: str) -> ServiceForecast | None:
        """The coming hours and days of a service."""
        found = self._messages.get(("forecast/service", name))
        return found if isinstance(found, ServiceForecast) else None

    def lot_forecast(self, name: str) -> LotForecast | None:
        """The coming hours and days of a lot."""
        found = self._messages.get(("forecast/lot", name))
        return found if isinstance(found, LotForecast) else None

    async def changed(self, since: int) -> int:
        """Wait until the version is another than `since`, and say which."""
        while self.version == since:
            await self._bell.wait()
        return self.version

    def ring(self) -> None:
        """Something of our own is new, too: whoever waits for a change is told."""
        self.version += 1
        self._bell.set()
        self._bell = asyncio.Event()

    def _take(self, topic: str, payload: bytes, *, retain: bool) -> None:
        site, device, levels = topics.split(topic)
        if site != self.site.id:
            return
        if device != topics.HUB:
            if self._hear is not None:
                self._hear(device, "/".join(levels), payload, retain)
            return
        kind, name = ("/".join(levels[:-1]), levels[-1]) if len(levels) > 1 else (levels[0], "")
        wanted = RESULTS.get(kind) if name else _SINGLE.get(kind)
        if wanted is None:
            raise BadTopic(f"want a result of the hub, got {topic[:80]!r}")
        if payload and self._payloads.get(topic) == payload:
            return
        message = codec.decode(wanted, payload) if payload else None
        before = self._messages.get((kind, name))
        if isinstance(message, Result):
            _check(message)
            message = sane(message)
            if retain and isinstance(before, Result) and _is_older(message, before):
                return
            message = _by_our_clock(message, self.clock.now(), retain=retain)
            message = _with_last_seen(message, before)
        self._payloads[topic] = payload
        self.has_news = True
        if message == before:
            return
        if message is None:
            del self._messages[kind, name]
        else:
            self._messages[kind, name] = message
        self._listen()
        self.ring()

    def _list(self) -> NoticesResult | None:
        found = self._messages.get(("notices", ""))
        return found if isinstance(found, NoticesResult) else None

    def _standing(self) -> dict[str, NoticeResult]:
        """The notices that the hub has not taken down, whoever else still has them."""
        return {
            name: found
            for (_, name), found in sorted(self._messages.items())
            if isinstance(found, NoticeResult) and not self._is_over(name, found)
        }

    def _is_over(self, name: str, notice: NoticeResult) -> bool:
        """Whether it is no longer listed; what is newer than the list is shown at once."""
        listed = self._list()
        return listed is not None and name not in listed.names and notice.at <= listed.at

    def _listen(self) -> None:
        """Note since when the hub cannot be heard."""
        state = self.hub_state
        if self._connected and state is not None and state.state in ("ready", "alert"):
            self._silent_since_s = None
        elif self._silent_since_s is None:
            self._silent_since_s = self._true_s()

    def _true_s(self) -> float:
        return self.clock.monotonic() / self.clock.speed


def _is_older(result: Result, before: Result) -> bool:
    """Whether a broker that came back has kept less than we have heard."""
    if isinstance(result, NoticesResult) and isinstance(before, NoticesResult):
        return result.edition < before.edition
    return result.at < before.at


def _by_our_clock(result: Result, now: datetime, *, retain: bool) -> Result:
    """What was written later than now comes from a clock that is ahead: it lives no longer here.

    Of what stood at the broker nobody can say then how old it is. The end of a notice is fixed.
    """
    ahead = result.at - now
    if ahead <= timedelta() or isinstance(result, NoticeResult | NoticesResult):
        return result
    seen = result.observed_at
    if retain and seen is not None:
        return msgspec.structs.replace(result, at=now, observed_at=seen - ahead, valid_until=now)
    return msgspec.structs.replace(
        result,
        at=now,
        observed_at=None if seen is None else seen - ahead,
        valid_until=result.valid_until - ahead,
    )


def _with_last_seen(result: Result, before: Message | None) -> Result:
    """What is no longer known keeps the time at which it last was, to be told instead of it."""
    is_unknown = isinstance(result, ServiceResult | LotResult | ZoneResult) and (
        result.state == "no_data" and result.observed_at is None
    )
    if is_unknown and isinstance(before, Result):
        return msgspec.structs.replace(result, observed_at=before.observed_at)
    return result


def _check(result: Result) -> None:
    """Refuse numbers that cannot be, whoever sends them.

    Raises:
        BadPayload: more free places than there are, a wait below zero, quantiles out of order.
    """
    if isinstance(result, ServiceResult):
        _check_wait(result.wait)
    if isinstance(result, LineResult):
        ahead = [ticket.ahead for ticket in result.tickets]
        if ahead != sorted(ahead):
            raise BadPayload(f"want as many ahead as before or more, got {ahead[:40]} in a line")
        for ticket in result.tickets:
            _check_wait(ticket.wait)
    if isinstance(result, LotForecast):
        for step in result.steps:
            _check_free("forecast", step.free, result.capacity)
    if isinstance(result, LotResult):
        _check_free("lot", result.free, result.capacity)
        if result.accessible is not None:
            _check_free("accessible", result.accessible.free, result.accessible.capacity)


def _check_wait(wait: Spread | None) -> None:
    if wait is not None and not 0 <= wait.p10_s <= wait.p50_s <= wait.p90_s <= LONGEST_S:
        raise BadPayload(f"want 0 <= p10_s <= p50_s <= p90_s <= {LONGEST_S:.0f}, got {wait}")


def _check_free(
    which: Literal["lot", "accessible", "forecast"], free: Free | None, capacity: int
) -> None:
    if free is not None and not 0 <= free.p10 <= free.p50 <= free.p90 <= capacity:
        raise BadPayload(f"want 0 <= p10 <= p50 <= p90 <= {capacity} free, got {free} in {which}")
