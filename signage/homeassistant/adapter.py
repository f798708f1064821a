"""`machiai homeassistant`: tells a Home Assistant of an office, and never what is over.

Each message holds for `expire_after` seconds by Home Assistant's own timer, is not retained, and is
sent only if what it says holds for longer (docs/decisions/0057-home-assistant.md).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from broker import service
from broker.acl import HOME_ASSISTANT
from broker.clock import Clock
from broker.service import secret
from broker.session import Address, Session
from models.contract import topics
from models.errors import BadSite, Unavailable
from models.site import HomeAssistant, Site
from signage.homeassistant.entities import HERE, HUB, configs, words_of
from signage.homeassistant.telling import Said, Telling, nothing
from signage.mirror import Mirror
from signage.staff.watching import Watching, watched

_LONGEST_S = 30
"""How long a message holds; less where values hold for less than three times as long."""

_SLACK_S = 0.5  # for the way of a message
_TURN_S = 1.0
_SETTLE_S = 1.0  # what stands at the broker has come by then
_PATIENCE_S, _LOOK_S = 20.0, 0.1
_REMOVE_S = 3.0  # what stands there comes at once
_ONLINE, _OFFLINE = b"online", b"offline"


class Adapter:
    """One office's. Reads files: make it outside a loop.

    Args:
        site: the office.
        clock: of this process.
        address: of the office's broker.
        is_leaving: take all away that Home Assistant has of this office, and tell nothing.

    Raises:
        BadSite: the site file has no `[homeassistant]`.
        Missing: a password that it names is not there.
    """

    def __init__(
        self, site: Site, clock: Clock, address: Address, *, is_leaving: bool = False
    ) -> None:
        table = site.homeassistant
        if table is None:
            raise BadSite("want a table [homeassistant], got none - at `$.homeassistant`")
        self._clock = clock
        self._prefix = table.prefix
        self._branch = topics.home_assistant(site.id)
        self._mirror = Mirror(site, clock)
        self._watching = Watching(self._mirror)
        self._lasts_s = lasts_s(site, clock.speed)
        words = words_of(site)
        self._telling = Telling(site, words)
        self._configs = {} if is_leaving else configs(site, words, self._lasts_s)
        self._is_leaving = is_leaving
        self._sent: dict[str, tuple[Mapping[str, Any], float]] = {}
        self._said: dict[str, bytes] = {}
        office = [*self._mirror.subscriptions, *watched(site)]
        facility = [f"{self._prefix}/{topic}" for topic in topics.discovered(site.id, "+")]
        facility.append(f"{self._prefix}/status")
        there = _theirs(table)
        self._facility = Session(
            there or address,
            f"machiai-{site.id}" if there else HOME_ASSISTANT,
            will=(f"{self._branch}/{HERE}", _OFFLINE),
            subscriptions=facility if there else [*office, *facility],
            on_message=self._facilitys if there else self._either,
            on_connection=self._greet if there else self._both,
        )
        self._sessions = [self._facility]
        if there:
            self._sessions.append(
                Session(
                    address,
                    HOME_ASSISTANT,
                    subscriptions=office,
                    on_message=self._mirror.apply,
                    on_connection=self._mirror.connection,
                )
            )

    async def run(self) -> None:
        """Serve until cancelled; leaving, until all is taken away.

        Raises:
            Missing: a certificate that the site file names is not there.
            Unavailable: leaving, there is no broker.
        """
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(session.run(), name=f"mqtt {n}")
                for n, session in enumerate(self._sessions)
            ]
            if self._is_leaving:
                await self._leave()
                for task in tasks:
                    task.cancel()
                return
            group.create_task(self._tell(), name="tell")
            group.create_task(service.watchdog(), name="watchdog")
            service.notify("READY=1")
            await service.until_cancelled(self._goodbye)

    # ── what comes ────────────────────────────────────────────────────────────────────────────

    def _either(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        if topic.startswith(f"{self._prefix}/"):
            self._facilitys(topic, payload, retain)
        else:
            self._mirror.apply(topic, payload, retain)

    def _facilitys(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        """Home Assistant has started, or the broker has an entity that is no more."""
        if topic == f"{self._prefix}/status":
            if payload == _ONLINE:
                self._sent.clear()
        elif retain and payload and topic.removeprefix(f"{self._prefix}/") not in self._configs:
            self._facility.publish(topic, b"", retain=True)

    def _both(self, up: bool) -> None:  # noqa: FBT001  the session's callback
        self._mirror.connection(up)
        self._greet(up)

    def _greet(self, up: bool) -> None:  # noqa: FBT001  the session's callback
        """A new connection: the broker may have lost everything, so all is said again."""
        self._sent.clear()
        self._said.clear()
        if up:
            for topic, config in self._configs.items():
                self._facility.publish(f"{self._prefix}/{topic}", config, retain=True)

    # ── what goes ─────────────────────────────────────────────────────────────────────────────

    async def _tell(self) -> None:
        turn_s = min(_TURN_S, self._lasts_s / 3)
        while True:
            if self._facility.connected:
                self._turn()
            await asyncio.sleep(turn_s)

    def _turn(self) -> None:
        """Say whom we hear, and of each thing what is new or was said some time ago."""
        mirror = self._mirror
        is_heard = (mirror.listening_s or 0.0) >= _SETTLE_S
        self._stand(HERE, is_so=is_heard)
        self._stand(HUB, is_so=is_heard and not mirror.hub_gone)
        if not is_heard:
            return
        now, now_s = self._clock.now(), self._clock.monotonic() / self._clock.speed
        for thing, said in self._telling.told(self._watching.heard(), now):
            before, at_s = self._sent.get(thing.key, (None, 0.0))
            fields = said.fields
            left_s = self._left_s(said)
            if left_s < self._lasts_s + _SLACK_S:
                if fields == before:
                    continue  # what it has ends in time by itself
                fields = nothing(thing)
            if fields != before or now_s - at_s >= self._lasts_s / 3:
                payload = msgspec.json.encode(fields)
                if self._facility.publish(f"{self._branch}/{thing.key}", payload, qos=0):
                    self._sent[thing.key] = fields, now_s

    def _left_s(self, said: Said) -> float:
        """True seconds for which it may still be shown."""
        if said.ends is None:
            return float("inf")
        return (said.ends - self._clock.now()).total_seconds() / self._clock.speed

    def _stand(self, leaf: str, *, is_so: bool) -> None:
        """Say once whether the office, or its hub, can be heard."""
        payload = _ONLINE if is_so else _OFFLINE
        if self._said.get(leaf) != payload and self._facility.publish(
            f"{self._branch}/{leaf}", payload, retain=True
        ):
            self._said[leaf] = payload

    async def _goodbye(self) -> None:
        self._stand(HERE, is_so=False)
        await self._facility.flush()

    async def _leave(self) -> None:
        """Until what stood at the broker has come, and was taken away.

        Raises:
            Unavailable: there is no broker.
        """
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not self._facility.connected:
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            wanted = f"want Home Assistant's broker within {_PATIENCE_S:.0f} s"
            raise Unavailable(f"{wanted}, got none; nothing was taken away") from None
        await asyncio.sleep(_REMOVE_S)
        for leaf in (HERE, HUB):
            self._facility.publish(f"{self._branch}/{leaf}", b"", retain=True)
        await self._facility.flush()


def lasts_s(site: Site, speed: float) -> int:
    """How long a message of ours holds, in true seconds; Home Assistant's timer has whole ones."""
    shortest_s = min(msgspec.structs.astuple(site.freshness)) / speed
    return max(1, min(_LONGEST_S, int(shortest_s / 3)))


def _theirs(table: HomeAssistant) -> Address | None:
    """Home Assistant's own broker. Reads the password.

    Raises:
        Missing: it is not there.
    """
    broker = table.broker
    if broker is None:
        return None
    return Address(
        host=broker.host,
        port=broker.port,
        user=broker.user,
        password=None if broker.password_file is None else secret(broker.password_file),
        ca=broker.ca,
    )


async def tell(site: Site, clock: Clock, address: Address, *, is_leaving: bool = False) -> None:
    """Tell a site's Home Assistant until cancelled.

    Raises:
        BadSite: the site file has no `[homeassistant]`.
        Missing: a password or certificate that it names is not there.
    """
    adapter = await asyncio.to_thread(Adapter, site, clock, address, is_leaving=is_leaving)
    await adapter.run()
