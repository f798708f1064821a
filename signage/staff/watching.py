"""What devices and displays of an office say of themselves, as one process last heard it."""

from typing import Any

import msgspec

from broker.clock import Clock
from models.care.heard import Heard, Told
from models.care.office import WEB
from models.contract import topics
from models.contract.codec import decode
from models.contract.results import DEVICE_MESSAGES, Health, State
from models.site import Site
from signage.mirror import Mirror

_LEAVES = ("state", "about", "health", "screen")
_DEPTHS = 5  # minutes of them


def watched(site: Site) -> list[str]:
    """What a session must subscribe to beside the hub's results."""
    machines = [WEB, *(one.id for one in site.devices), *(one.id for one in site.displays)]
    return [topics.device(site.id, who, leaf) for who in machines for leaf in _LEAVES]


class Watching:
    """Hears beside a mirror."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._told: dict[str, Told] = {}
        mirror.hear_devices(self._hear)

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._mirror.clock

    def heard(self) -> Heard:
        """All of it, and what the hub says."""
        mirror = self._mirror
        return Heard(
            told=self._told,
            listening_s=mirror.listening_s,
            hub_gone=mirror.hub_gone,
            hub_state=mirror.hub_state,
            hub_about=mirror.hub_about,
            results=mirror.results(),
        )

    def _hear(self, device: str, leaf: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001  the mirror's
        """Take one word.

        Raises:
            BadPayload: it cannot be read.
        """
        if leaf not in _LEAVES:
            return
        message = decode(DEVICE_MESSAGES[leaf], payload) if payload else None
        told = self._told.get(device, Told())
        heard: dict[str, Any] = {leaf: message}
        is_will = isinstance(message, State) and message.state == "lost"
        if not retain and message is not None and not is_will:
            heard |= self._live(told, message)
        self._told[device] = msgspec.structs.replace(told, **heard)

    def _live(self, told: Told, message: object) -> dict[str, Any]:
        """What follows from its having been said just now."""
        now = self.clock.now()
        if not isinstance(message, Health):
            return {"heard_at": now}
        ahead_s = None if message.at is None else (message.at - now).total_seconds()
        depths = (*told.depths, message.outbox)[-_DEPTHS:]
        return {"heard_at": now, "ahead_s": ahead_s, "depths": depths}
