"""What a telephone or an SMS says: a line for each service, in the words of the page.

No line is longer than an SMS of 70 signs takes (GSM 03.38, UCS-2); a name gives way to that, not
what is said of it. Nothing in it is past its end: what is not known is being checked.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from models.contract.results import Spread
from models.wait.told import told
from signage.feed.feed import good_until
from signage.mirror import Mirror
from signage.painter import Painter
from signage.view import Board, ServiceView
from signage.wording import Words

LONGEST_LINE = 70
TYPE = "text/plain"

_READING = re.compile(r"（[ぁ-ゖー・]+）")
_WEEKDAY = re.compile(r"（([月火水木金土日])(?:曜日)?）")
_KOREAN_WEEKDAY = re.compile(r"\(([월화수목금토일])\)")
_CHINESE_WEEKDAY = re.compile(r"（(星期[一二三四五六日天])）")
_GAP = re.compile(r"\s+")
_LEAST_NAME = 8


class Sayer:
    """Says an office in one language."""

    def __init__(self, mirror: Mirror, language: str) -> None:
        site = mirror.site
        self._mirror = mirror
        self._words = Words(language, site.zone_info)
        self._painter = Painter(site, self._words, curves=False)
        self._names = {service.id: service.name for service in site.services}

    def render(self, now: datetime, service: str = "") -> tuple[bytes, datetime]:
        """All lines, or those of one service, and until when they hold if nothing new is heard."""
        only = (service,) if service else ()
        board = self._painter.board(self._mirror, now, services=only, lots=(), zones=())
        lines = list(self._lines(board, service))
        ends = min(board.good_until, good_until(self._mirror, now))
        return "".join(f"{line}\n" for line in lines).encode(), ends

    def _lines(self, board: Board, service: str) -> Iterator[str]:
        words = self._words
        for notice in board.notices:
            if notice.severity == "emergency":
                yield spoken(notice.text)
        for row in board.services:
            yield self._line(row)
        if service and not board.services:  # of given dates, and not of these days
            yield self._fitted("say.said", self._name(service), said=words("state.closed"))
        yield spoken(words("say.as_of", said=board.as_of))

    def _line(self, row: ServiceView) -> str:
        words, name = self._words, self._name(row.id)
        result = self._mirror.service(row.id)
        spread = result.wait if result is not None and row.has_values else None
        if spread is not None and row.phase == "fresh":
            key, minutes = _minutes(spread)
            return self._fitted(key, name, **minutes)
        parts = [row.word]
        if row.has_values:
            parts = [row.wait if spread else row.word, row.waiting if not spread else ""]
            parts += [row.age] if row.phase == "ageing" else []
        elif row.phase != "no_data":
            parts += [row.note]
        said = words("say.join").join(part for part in parts if part)
        return self._fitted("say.said", name, said=said)

    def _name(self, service: str) -> str:
        return self._words.name(self._names[service])

    def _fitted(self, key: str, name: str, **values: object) -> str:
        """The sentence of a key with the name, which is cut where the line would be too long."""
        whole = spoken(self._words(key, name=name, **values))
        over = len(whole) - LONGEST_LINE
        if over <= 0:
            return whole
        short = spoken(name)
        kept = max(_LEAST_NAME, len(short) - over - 1)
        return spoken(self._words(key, name=f"{short[:kept]}…", **values))[:LONGEST_LINE]


def _minutes(spread: Spread) -> tuple[str, dict[str, int]]:
    wait = told(spread)
    if wait.how == "range":
        return "say.range", {"low": wait.minutes[0], "high": wait.minutes[1]}
    return f"say.{wait.how}", {"minutes": wait.minutes[0]}


def spoken(text: str) -> str:
    """A text without what is for the eye: readings in brackets, and brackets around weekdays.

    >>> spoken("窓口（まどぐち）は 11月24日（火）8時30分から")
    '窓口は 11月24日、火曜日、8時30分から'
    """
    plain = _READING.sub("", _WEEKDAY.sub(r"、\1曜日、", str(text)))
    plain = _CHINESE_WEEKDAY.sub(r"，\1，", _KOREAN_WEEKDAY.sub(r", \1요일,", plain))
    return _GAP.sub(" ", plain).strip()
