"""What the holder of a ticket is told again and again: good news comes step by step."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from models.contract.results import LineResult, LineTicket, Spread

_MOST = 5.0  # minutes less for each minute: who has gone for a walk must be able to come back
_KEPT = timedelta(minutes=10)  # while nobody knows how long a ticket waits

Told = tuple[Spread, datetime]
"""What was told, and when."""


class Retold:
    """What the holders of all tickets were told last.

    It is not part of the office's state: it changes when something is told, not when something is
    seen. A hub that starts anew begins it anew.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], Told] = {}

    def lines(self, found: Mapping[str, LineResult], now: datetime) -> dict[str, LineResult]:
        """The same lines by their topic, as they are told `now`."""
        kept = {holder: told for holder, told in self._told.items() if now - told[1] < _KEPT}
        self._told, before = {h: t for h, t in kept.items() if h[0] not in found}, kept
        return {
            topic: msgspec.structs.replace(
                line,
                tickets=tuple(
                    self._again((topic, ticket.number), ticket, before, now)
                    for ticket in line.tickets
                ),
            )
            for topic, line in found.items()
        }

    def _again(
        self,
        holder: tuple[str, str],
        ticket: LineTicket,
        before: Mapping[tuple[str, str], Told],
        now: datetime,
    ) -> LineTicket:
        told = before.get(holder)
        if ticket.wait is None:
            if told is not None:
                self._told[holder] = told
            return ticket
        wait = ticket.wait
        if told is not None:
            wait = retold(told[0], (now - told[1]).total_seconds(), wait)
        self._told[holder] = wait, now
        return ticket if wait == ticket.wait else msgspec.structs.replace(ticket, wait=wait)


def retold(before: Spread, since_s: float, now: Spread) -> Spread:
    """What is told now, never shorter than what was told before by more than 5 minutes a minute.

    It may grow at once: who is told too short stays; who is told too long may have left.

    Args:
        before: what was told last.
        since_s: how long ago that was, in seconds.
        now: what is found now.

    >>> at_once = Spread(p10_s=60, p50_s=120, p90_s=300)
    >>> retold(Spread(p10_s=600, p50_s=1200, p90_s=1800), 60, at_once)
    Spread(p10_s=300.0, p50_s=900.0, p90_s=1500.0)
    """
    less_s = _MOST * max(since_s, 0.0)
    return Spread(
        p10_s=max(now.p10_s, before.p10_s - less_s),
        p50_s=max(now.p50_s, before.p50_s - less_s),
        p90_s=max(now.p90_s, before.p90_s - less_s),
    )
