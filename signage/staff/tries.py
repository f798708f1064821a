"""How often one may guess: from one network, and at one name.

Whoever guesses at a name from elsewhere makes only elsewhere wait: an address from which this
person came in before counts for itself. So nobody far away keeps a clerk out.
"""

import ipaddress
from collections import deque

from signage.notify.limits import network_of

FREE_BY_NAME = 5
"""Wrong ones in a row before each further one waits, twice as long each time."""
MOST_BY_NETWORK = 20
"""Wrong ones in a quarter of an hour, whatever the names."""

_FIRST_S, _LONGEST_S = 30.0, 900.0
_KEPT_S = 3600.0
_MANY = 5000
_HOME_BITS = 64  # of an IPv6 address: the rest changes by the day


class Tries:
    """Wrong log-ins of the last hour, in memory."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], tuple[int, float]] = {}
        self._networks: dict[str, deque[float]] = {}

    def wait_s(self, name: str, client: str, now_s: float, *, is_known: bool) -> float:
        """For how long this name may not be tried from there; 0 if it may.

        Args:
            name: as it was entered.
            client: an IP address.
            now_s: seconds, of a clock that never steps back.
            is_known: whether this person came in from that address before.
        """
        count, last_s = self._names.get(_key(name, client, is_known=is_known), (0, 0.0))
        by_name = 0.0
        if count >= FREE_BY_NAME:
            lasts_s = min(_LONGEST_S, _FIRST_S * 2.0 ** min(count - FREE_BY_NAME, 10))
            by_name = last_s + lasts_s - now_s
        return max(0.0, by_name, 0.0 if is_known else self.network_wait_s(client, now_s))

    def network_wait_s(self, client: str, now_s: float) -> float:
        """For how long nobody new may come from the client's network; 0 if they may."""
        asked = self._networks.get(network_of(client), deque())
        while asked and asked[0] <= now_s - _LONGEST_S:
            asked.popleft()
        return asked[0] + _LONGEST_S - now_s if len(asked) >= MOST_BY_NETWORK else 0.0

    def wrong(self, name: str, client: str, now_s: float, *, is_known: bool) -> None:
        """Count a wrong one."""
        if max(len(self._names), len(self._networks)) > _MANY:
            self._let_go(now_s)
        key = _key(name, client, is_known=is_known)
        count, last_s = self._names.pop(key, (0, now_s))
        self._names[key] = (1 if now_s - last_s > _KEPT_S else count + 1, now_s)
        if not is_known:
            self.network_wrong(client, now_s)

    def network_wrong(self, client: str, now_s: float) -> None:
        """Count one without a name."""
        self._networks.setdefault(network_of(client), deque()).append(now_s)

    def right(self, name: str, client: str, *, is_known: bool) -> None:
        """They came in: the last one was not wrong, and those before were slips."""
        self._names.pop(_key(name, client, is_known=is_known), None)
        asked = self._networks.get(network_of(client))
        if asked and not is_known:
            asked.pop()

    def _let_go(self, now_s: float) -> None:
        """Forget what is over; if that is not enough, the oldest."""
        self._names = {k: v for k, v in self._names.items() if v[1] > now_s - _KEPT_S}
        self._networks = {k: v for k, v in self._networks.items() if v and v[-1] > now_s - _KEPT_S}
        while len(self._names) > _MANY:
            del self._names[next(iter(self._names))]
        while len(self._networks) > _MANY:
            del self._networks[next(iter(self._networks))]


def place_of(client: str) -> str:
    """An address as it stays for some weeks.

    >>> place_of("192.0.2.77"), place_of("2001:db8:1:2ff::5")
    ('192.0.2.77', '2001:db8:1:2ff::/64')
    """
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if address.version == 4:  # noqa: PLR2004
        return client
    return str(ipaddress.ip_network((address, _HOME_BITS), strict=False))


def _key(name: str, client: str, *, is_known: bool) -> tuple[str, str]:
    return name, place_of(client) if is_known else "elsewhere"
