"""Until when each thing that is said of something may be shown, kept apart from our own rule."""

import re
from datetime import datetime, timedelta

from models.contract.results import (
    CallsResult,
    LineResult,
    LineTicket,
    LotResult,
    NoticeResult,
    Result,
    ServiceResult,
    ZoneResult,
)
from signage.wording import Words


class Ledger:
    """Signs ("31人", "A102") of things ("service/tax"), each with the true time of its end."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._told: dict[tuple[str, str], datetime] = {}
        self._seen: dict[tuple[str, str], datetime] = {}
        self.looked_at = 0

    def tell(self, key: str, result: Result, now: datetime) -> None:
        """The hub says a result, which it gives so long a life from now on, or a fixed end."""
        is_fixed = isinstance(result, NoticeResult)
        end = result.valid_until if is_fixed else now + (result.valid_until - result.at)
        for sign in self._signs(result):
            self._told[key, sign] = max(end, self._told.get((key, sign), now))

    def see(self, key: str, sign: str, end: datetime) -> None:
        """A sensor saw it ("" is all of a thing), so nobody may show it after `end`, whatever the
        hub says."""
        self._seen[key, sign] = max(end, self._seen.get((key, sign), end))

    def old(self, key: str, said: str, now: datetime) -> list[str]:
        """What of the text that is shown of a thing should no longer be."""
        found = []
        for sign in {*re.split(r"[\s：]+", said), *re.split("[\u3000：]", said), said}:
            told = self._told.get((key, sign))
            if told is None:
                continue
            self.looked_at += 1
            end = min(told, *(self._seen.get((key, which), told) for which in (sign, "")))
            if end <= now:
                late = timedelta(seconds=(now - end).total_seconds())
                found.append(f"{key}: {sign!r} ended {late} before {now:%d %H:%M:%S}")
        return found

    def _signs(self, result: Result) -> list[str]:
        """How a result is said by any surface, feed included."""
        words = self._words
        said: list[str | None] = []
        if isinstance(result, ServiceResult):
            if result.waiting is not None:
                said += [words("people", count=result.waiting), f"waiting={result.waiting}"]
            said += [result.called, words.wait(result.wait) if result.wait else None]
            said += [words(f"level.{result.level}") if result.level else None]
        elif isinstance(result, LotResult) and result.free is not None:
            free = result.free
            said += [words("lot.free", count=free.p50), f"free={free.p10}-{free.p50}-{free.p90}"]
        elif isinstance(result, ZoneResult) and result.people is not None:
            count = result.people
            said += [words("zone.people", count=count), f"people={count}"]
        elif isinstance(result, LineResult):
            said += [self._turn(ticket) for ticket in result.tickets]
        elif isinstance(result, CallsResult):
            said += [call.number for call in result.calls]
        elif isinstance(result, NoticeResult):
            said += result.texts.values()
        return [sign for sign in said if sign]

    def _turn(self, ticket: LineTicket) -> str:
        """How the holder of a ticket is told of it."""
        words, ahead = self._words, ticket.ahead
        said = words("ticket.ahead", count=ahead) if ahead else words("ticket.next")
        if ticket.wait is None:
            return said
        return words("ticket.wait", ahead=said, wait=words.wait(ticket.wait))
