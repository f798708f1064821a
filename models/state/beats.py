"""Which devices feed what, and when each was last heard."""

import msgspec

_FORGOTTEN_S = 7 * 86_400.0  # a device that fed a thing longer ago has been replaced


class Beats(msgspec.Struct):
    """Times are seconds since 1970. A thing is "tickets/tax", "gates/front", ..."""

    heard: dict[str, float] = {}
    feeds: dict[str, dict[str, float]] = {}

    def hear(self, device: str, at_s: float) -> None:
        """A beat or any observation came from a device."""
        if at_s > self.heard.get(device, 0.0):
            self.heard[device] = at_s

    def feed(self, thing: str, device: str, at_s: float) -> None:
        """An observation came from which a thing is known."""
        devices = self.feeds.setdefault(thing, {})
        if at_s > devices.get(device, 0.0):
            devices[device] = at_s

    def fed(self, device: str) -> list[str]:
        """The things that a device has fed."""
        return [thing for thing, devices in self.feeds.items() if device in devices]

    def heard_of(self, thing: str) -> float | None:
        """Until when all is known that happened to a thing, or None if nothing ever was.

        A thing that several devices feed is known no longer than the most silent of them: where
        tickets are issued by one machine and called by another, either alone tells half the truth.
        """
        devices = self.feeds.get(thing)
        if not devices:
            return None
        newest = max(devices.values())
        return min(
            self.heard.get(d, 0.0) for d, at_s in devices.items() if at_s > newest - _FORGOTTEN_S
        )
