"""What stands at the broker's other side: a screen, an eavesdropper that replays, a stop watch."""

import asyncio
import random
from collections import defaultdict, deque
from datetime import datetime

from broker.clock import Clock
from broker.session import Address, Session
from models.contract.codec import decode, decode_envelope
from models.contract.results import Ack
from models.errors import BadPayload, BadTopic
from models.freshness import Life
from models.site import Site
from signage.mirror import Mirror

STEP_S = 0.1
_KEPT = 3000  # captured observations of which a replay takes some
_REPLAYED = 200


class Watcher:
    """One client straight at the broker.

    It holds the real mirror of a screen and looks at it by its own clock, ten times a second, as a
    screen does; `stale_s` is the longest time for which a screen that had a value had none, and
    `shown_s` how long after the last observation on the wire a value that rests on it still stood.

    Args:
        site: the site; the lot `lot-n` is fed by the device `agent-n`.
        address: the broker.
    """

    def __init__(self, site: Site, address: Address) -> None:
        self.clock = Clock()
        self.mirror = Mirror(site, self.clock)
        self.acks: dict[tuple[str, str], int] = {}
        self.stale_s: dict[bool, float] = defaultdict(float)
        self.shown_s = 0.0
        self.replayed = 0
        self.clock_is_wrong = False
        self._lots = [lot.id for lot in site.lots]
        self._blank: dict[str, tuple[datetime, bool]] = {}
        self.shown: set[str] = set()
        self._captured: deque[tuple[str, bytes]] = deque(maxlen=_KEPT)
        self._last: dict[str, bytes] = {}
        self._heard: dict[str, datetime] = {}
        self._news = asyncio.Event()
        self._session = Session(
            address,
            "watcher",
            on_message=self._message,
            on_connection=self._connection,
            subscriptions=[f"machiai/v1/{site.id}/+/{leaf}" for leaf in ("obs/#", "ack")]
            + list(self.mirror.subscriptions),
        )

    async def run(self) -> None:
        """Listen and look until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._session.run())
            while True:
                await asyncio.sleep(STEP_S)
                self.mirror.watch()
                self._look()

    def seen(self, device: str) -> tuple[str, int] | None:
        """The stream and seq of the last observation of a device on the wire."""
        payload = self._last.get(device)
        if payload is None:
            return None
        envelope = decode_envelope(payload)
        return envelope.stream, envelope.seq

    async def moves_on(self, device: str, behind: tuple[str, int] | None) -> None:
        """Wait until the hub acknowledges something of a device that is newer than `behind`."""
        before = dict(self.acks)
        while True:
            for (name, stream), seq in self.acks.items():
                is_news = name == device and seq > before.get((name, stream), 0)
                if is_news and (behind is None or stream != behind[0] or seq > behind[1]):
                    return
            self._news.clear()
            await self._news.wait()

    def replay(self, rng: random.Random) -> None:
        """Send captured observations again, some of them twice, in no order."""
        if self._captured:
            for topic, payload in rng.choices(self._captured, k=_REPLAYED):
                self.replayed += self._session.publish(topic, payload)

    def _connection(self, up: bool) -> None:  # noqa: FBT001
        self.mirror.connection(up)
        self._heard = dict.fromkeys(self._heard, self.clock.now())  # who knows what we missed

    def _message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        _, _, _, device, leaf, *_ = topic.split("/")
        if leaf == "obs":
            self._captured.append((topic, payload))
            self._last[device] = payload
            self._heard[device] = self.clock.now()
        elif leaf == "ack" and device != "hub":
            self._acknowledged(device, payload)
        else:
            self.mirror.apply(topic, payload, retain)

    def _acknowledged(self, device: str, payload: bytes) -> None:
        try:
            ack = decode(Ack, payload)
        except (BadPayload, BadTopic):
            return
        self.acks[device, ack.stream] = max(self.acks.get((device, ack.stream), 0), ack.seq)
        self._news.set()

    def _look(self) -> None:
        now = self.clock.now()
        for name in self._lots:
            lot = self.mirror.lot(name)
            phase = "no_data"
            if lot is not None:
                life = Life(lot.state, lot.observed_at, lot.valid_until, lot.opens_at)
                phase = life.phase(now)
            if phase in ("fresh", "ageing"):
                self.shown.add(name)
                self._blank.pop(name, None)
                heard = self._heard.get(name.replace("lot", "agent"), now)
                self.shown_s = max(self.shown_s, (now - heard).total_seconds())
            elif name in self.shown:
                since, wrong = self._blank.setdefault(name, (now, self.clock_is_wrong))
                wrong = wrong or self.clock_is_wrong
                self._blank[name] = since, wrong
                self.stale_s[wrong] = max(self.stale_s[wrong], (now - since).total_seconds())
