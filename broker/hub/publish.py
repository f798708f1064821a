"""The hub's voice: acks, calls, and results that are published only when they change."""

from collections.abc import Callable, Mapping

import msgspec

from models.contract import topics
from models.contract.codec import encode
from models.contract.results import RESULTS, Ack, Call, Message, Result

Publish = Callable[[str, bytes, bool], bool]
"""Topic, payload, retain; False if there is no connection."""


class Publisher:
    """Knows what it said last, so that it speaks only of what is new."""

    def __init__(self, site: str, publish: Publish) -> None:
        self._site = site
        self._publish = publish
        self._said: dict[str, Message] = {}
        self._found: set[str] = set()

    def forget(self) -> None:
        """A new connection: the broker may have lost everything, so all is said again."""
        self._said.clear()

    def found(self, topic: str) -> None:
        """A retained result stands at the broker, perhaps of a service that is no more."""
        self._found.add(topic)

    def results(self, results: Mapping[str, Result]) -> None:
        """Say what has changed, and clear what is no longer there."""
        for key, result in results.items():
            self.retained(topics.result(self._site, key), result)
        wanted = {topics.result(self._site, key) for key in results}
        prefixes = tuple(topics.result(self._site, kind) + "/" for kind in RESULTS)
        for topic in (self._found | set(self._said)) - wanted:
            if topic.startswith(prefixes) and self._publish(topic, b"", True):
                self._said.pop(topic, None)
        self._found.clear()

    def retained(self, topic: str, message: Message) -> None:
        """Say one thing that stays at the broker, unless it was said already."""
        before = self._said.get(topic)
        if before is not None and _same(before, message):
            return
        if self._publish(topic, encode(message), True):
            self._said[topic] = message

    def call(self, call: Call) -> None:
        """Say once that a ticket is called."""
        self._publish(topics.result(self._site, "call"), encode(call), False)

    def ack(self, device: str, stream: str, seq: int) -> None:
        """Tell a device that all up to `seq` is durable. Said again when asked: it may be lost."""
        topic = topics.device(self._site, device, "ack")
        self._publish(topic, encode(Ack(stream=stream, seq=seq)), True)


def _same(before: Message, now: Message) -> bool:
    """Equal but for the time of writing."""
    if isinstance(before, Result) and isinstance(now, Result):
        return before == msgspec.structs.replace(now, at=before.at)
    return before == now
