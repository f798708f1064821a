"""A notice as staff write it: its texts, its times, and how residents will read it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from models.contract import topics
from models.contract.codec import encode
from models.contract.observations import PostNotice
from models.contract.results import NoticeResult
from models.errors import BadUsage
from models.site import Names
from signage.mirror import Mirror
from signage.pages.page import OWN_NAMES
from signage.painter import Painter
from signage.staff.forms import Form
from signage.staff.room import Person, Room
from signage.staff.words import StaffWords
from signage.view import Board
from signage.wording import Words

MOST = 2000
"""Signs of a text, as the contract has it."""

_DRAFTS = 200
_YEAR = timedelta(days=366)


class Draft(msgspec.Struct, frozen=True):
    """A notice that is not put up yet."""

    name: str
    notice: PostNotice


class Preview(msgspec.Struct, frozen=True):
    """What residents read in one language."""

    language: str
    own_name: str
    words: Words
    board: Board


class Writing:
    """Drafts of all who write, and the office's languages. Reads files: make it outside a loop."""

    def __init__(self, room: Room) -> None:
        self._room = room
        zone = room.site.zone_info
        self._words: dict[str, Words] = {
            code: Words(code, zone) for code in room.site.site.languages
        }
        self._painters = {
            code: Painter(room.site, words, curves=False) for code, words in self._words.items()
        }
        self._drafts: dict[str, Draft] = {}

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Those of the office, each with its own name."""
        return [(code, OWN_NAMES[code]) for code in self._words]

    def keep(self, person: Person, draft: Draft) -> None:
        """Until it is put up or the process ends."""
        self._drafts.pop(person.name, None)
        if len(self._drafts) >= _DRAFTS:
            del self._drafts[next(iter(self._drafts))]
        self._drafts[person.name] = draft

    def kept(self, person: Person) -> Draft | None:
        """What somebody was writing."""
        return self._drafts.get(person.name)

    def forget(self, person: Person) -> None:
        """It is put up."""
        self._drafts.pop(person.name, None)

    def texts(self, form: Form, words: StaffWords) -> Names:
        """What was written in each language.

        Raises:
            BadUsage: nothing in the office's first language, or too much.
        """
        said = {code: form.text(f"text-{code}", MOST) for code in self._words}
        first, name = self.languages[0]
        if not said[first]:
            raise BadUsage(words("news.want", language=name))
        return {code: text for code, text in said.items() if text}

    def ends(self, until: datetime | None, since: datetime | None, words: StaffWords) -> datetime:
        """The end of a notice.

        Raises:
            BadUsage: there is none, it has gone by, or is far away.
        """
        now = self._room.clock.now()
        if until is None or until <= max(now, since or now) or until > now + _YEAR:
            raise BadUsage(words("news.until.wrong"))
        return until

    def name(self, kind: str) -> str:
        """What a new notice is called: when it was written, by the office's clock."""
        local = self._room.clock.now().astimezone(self._room.site.zone_info)
        return f"{kind}-{local:%m%d-%H%M%S}"

    def previews(self, notice: PostNotice) -> Iterator[Preview]:
        """What residents will read, as their own page makes it."""
        now = max(self._room.clock.now(), notice.since or self._room.clock.now())
        made = NoticeResult(
            at=now,
            observed_at=now,
            valid_until=notice.until or now + _YEAR,
            severity=notice.severity,
            drill=notice.drill,
            since=notice.since,
            until=notice.until,
            texts=notice.texts,
        )
        mirror = Mirror(self._room.site, self._room.clock)
        topic = topics.result(self._room.site.id, "notice/preview")
        mirror.apply(topic, encode(made), retain=False)
        for code, own_name in self.languages:
            board = self._painters[code].board(mirror, now)
            yield Preview(code, own_name, self._words[code], board)
