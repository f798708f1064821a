"""What a notice says, in its holder's language."""

import base64
import hashlib
from datetime import datetime, timedelta
from urllib.parse import urlencode

from models.site import Site
from models.turn import NOW_S, Hold
from signage.notify.senders import Letter
from signage.notify.store import Holder, Kind
from signage.wording import Words

CONFIRM_S = 15 * 60.0
"""An address that nobody confirms is forgotten after so long."""
SENSE_S: dict[Kind, float] = {
    "confirm": CONFIRM_S,
    "near": 60 * 60.0,
    "now": NOW_S,
    "passed": 60 * 60.0,
}
"""How long a notice makes sense after it was due."""


def until(kind: Kind, now: datetime) -> datetime:
    """Until when a notice makes sense that is due now."""
    return now + timedelta(seconds=SENSE_S[kind])


def letter_id(token: str, kind: Kind) -> str:
    """The same for the same notice, and nobody can stop one by it: servers log such names."""
    digest = hashlib.sha256(f"{token} {kind}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:24]).decode()


class Letters:
    """Writes them. Reads its texts here: make it outside a loop.

    Args:
        site: the office.
        base: where the pages are, without a slash at the end.
    """

    def __init__(self, site: Site, base: str) -> None:
        self._site = site
        self._base = base
        self._words: dict[str, Words] = {
            code: Words(code, site.zone_info) for code in site.site.languages or ("ja",)
        }

    def language(self, asked: str) -> str:
        """The language that comes nearest to what was asked for: that one, else the first."""
        return asked if asked in self._words else next(iter(self._words))

    def words(self, language: str) -> Words:
        """The texts of a language."""
        return self._words[self.language(language)]

    def letter(
        self, kind: Kind, holder: Holder, hold: Hold | None, *, to: str, now: datetime, ttl_s: float
    ) -> Letter:
        """One notice.

        Args:
            kind: which notice.
            holder: to whom.
            hold: what is known of the ticket; None before it is looked after.
            to: the address.
            now: the moment.
            ttl_s: how long it makes sense.
        """
        words, lang = self.words(holder.language), f"?lang={self.language(holder.language)}"
        values = self._values(holder, words)
        ticket = urlencode({"number": holder.number, "service": holder.service})
        stop, page = self.stop(holder), f"{self._base}/ticket?{ticket}&lang={words.language}"
        lines: list[str] = [words("notify.about", **values), ""]
        lines += [words(f"notify.{kind}.text", **values), *self._more(kind, hold, words, now)]
        if kind == "confirm":
            page = f"{self._base}/notify/confirm/{holder.token}{lang}"
            lines += ["", page, "", words("notify.confirm.not_you")]
        elif holder.way != "push":
            lines += ["", page, "", words("notify.no_more"), stop]
        return Letter(
            id=letter_id(holder.token, kind),
            kind=kind,
            to=to,
            language=words.language,
            subject=str(words(f"notify.{kind}.subject", **values)),
            text="\n".join(lines) + "\n",
            page=page,
            stop=stop,
            ttl_s=ttl_s,
        )

    def stop(self, holder: Holder) -> str:
        """Where a holder asks for no more."""
        lang = f"?lang={self.language(holder.language)}"
        return f"{self._base}/notify/stop/{holder.token}{lang}"

    def _values(self, holder: Holder, words: Words) -> dict[str, str]:
        service = next((s for s in self._site.services if s.id == holder.service), None)
        return {
            "site": words.name(self._site.site.name),
            "service": words.name(service.name) if service else holder.service,
            "number": holder.number,
        }

    def _more(self, kind: Kind, hold: Hold | None, words: Words, now: datetime) -> list[str]:
        """What is known of the ticket, as long as it is."""
        place, call = (hold.place, hold.call) if hold else (None, None)
        lines: list[str] = []
        if kind == "near" and place is not None and place.until is not None and now < place.until:
            lines.append(words("notify.ahead", count=place.ahead))
            if place.wait is not None:
                lines.append(words("notify.wait", wait=words.wait(place.wait)))
        if kind == "now" and call is not None:
            counter = next((c for c in self._site.counters if c.id == call.counter), None)
            if counter is not None:
                lines.append(words.counter(words.name(counter.name, counter.id)))
            lines.append(words("notify.called_at", time=words.time(call.at)))
        return lines
