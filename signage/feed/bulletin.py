"""Notices as messages of the Common Alerting Protocol: told, told anew, taken back."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from models.contract import codec
from models.contract.codec import stamp
from signage.feed.feed import NoticeItem

_REFERENCES = 20  # earlier messages that a message names: more would grow without end


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One message about a notice; it stands until `ends`.

    It replaces those whose identifier and time of sending are in `references`.
    """

    identifier: str
    sent: datetime
    kind: Literal["Alert", "Update", "Cancel"]
    notice: NoticeItem
    ends: datetime
    references: tuple[tuple[str, datetime], ...] = ()


class Bulletin:
    """The last message of each notice. The hub says what holds; what is new in it is found here."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._last: dict[str, Alert] = {}
        self.updated: datetime | None = None

    def follow(self, notices: Iterable[NoticeItem], now: datetime) -> None:
        """Take in what holds now: what is no longer told before its end was taken back."""
        before_all = self._last
        held = {notice.id: notice for notice in notices}
        self._last = {name: last for name, last in self._last.items() if now < last.ends}
        for name, last in self._last.items():
            if name not in held and last.kind != "Cancel":
                self._last[name] = self._next("Cancel", last.notice, now, last)
        for name, notice in held.items():
            before = self._last.get(name)
            if before is None or before.kind == "Cancel":
                self._last[name] = self._next("Alert", notice, notice.at, None)
            elif _content(before.notice) != _content(notice):
                self._last[name] = self._next("Update", notice, max(notice.at, before.sent), before)

        if self._last != before_all or self.updated is None:
            self.updated = now

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All that stand, the newest first."""
        return tuple(sorted(self._last.values(), key=lambda alert: alert.sent, reverse=True))

    def _next(
        self, kind: Literal["Alert", "Update", "Cancel"], notice: NoticeItem, sent: datetime,
        before: Alert | None,
    ) -> Alert:  # fmt: skip
        said = msgspec.json.encode([kind, stamp(sent), *_content(notice)])
        return Alert(
            identifier=f"{self._site}-{notice.id}-{hashlib.sha256(said).hexdigest()[:16]}",
            sent=sent,
            kind=kind,
            notice=notice,
            ends=ends(notice) if before is None else max(ends(notice), before.ends),
            references=()
            if before is None
            else (*before.references, (before.identifier, before.sent))[-_REFERENCES:],
        )


def ends(notice: NoticeItem) -> datetime:
    """When a notice is over if it is not taken back."""
    return notice.valid_until if notice.until is None else min(notice.until, notice.valid_until)


def _content(notice: NoticeItem) -> list[object]:
    """What makes it another one; the hub may say the same again at another time."""
    fields = codec.plain(notice)
    return [fields[name] for name in ("severity", "from", "texts")] + [stamp(ends(notice))]
