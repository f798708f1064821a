"""Which alerts of CAP are in force, as a fold over all messages, in whatever order they come."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from models.alerts.area import covers
from models.alerts.cap import Alert, Info
from models.alerts.notices import GRAVEST, Weight, by, cut, gravest, id_of
from models.contract.observations import PostNotice
from models.errors import BadPayload
from models.place import Location
from models.site import Table

_MOST = 2000
_REMEMBERED = timedelta(days=90)
"""So long an ended alert is known, so that an old file put back does not begin it again."""

_BEGINS_ANEW = frozenset({"Alert", "Update"})
_ENDS = frozenset({"Update", "Cancel"})


class Row(Table, frozen=True, kw_only=True):
    """`sensors.counts`: as what an alert counts that has one word of each list given here."""

    weight: Weight = msgspec.field(name="as")
    category: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    response: tuple[str, ...] = ()
    urgency: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    certainty: tuple[str, ...] = ()

    def fits(self, info: Info) -> bool:
        """Whether an alert is meant."""
        return all(
            not wanted or any(word in wanted for word in said)
            for wanted, said in [
                (self.category, info.category),
                (self.event, (info.event,)),
                (self.response, info.response),
                (self.urgency, (info.urgency,)),
                (self.severity, (info.severity,)),
                (self.certainty, (info.certainty,)),
            ]
        )


COUNTS = (
    Row(weight="info", response=("AllClear",)),
    Row(weight="info", urgency=("Past",)),
    Row(weight="info", certainty=("Unlikely",)),
    Row(
        weight="emergency",
        severity=("Extreme", "Severe"),
        urgency=("Immediate",),
        certainty=("Observed", "Likely"),
    ),
    Row(
        weight="emergency",
        severity=("Extreme",),
        urgency=("Expected",),
        certainty=("Observed", "Likely"),
    ),
    Row(weight="info", severity=("Minor",)),
    Row(weight="warning"),
)
"""The first row that fits counts; with none it is not shown. What is unknown is a warning."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What an office listens to."""

    name: str
    """Of the sensor: ids of its notices begin with it."""
    senders: frozenset[str] = frozenset()
    """None named: all."""
    codes: frozenset[str] = frozenset()
    location: Location | None = None
    unplaced: bool = True
    """Whether an alert is shown whose area cannot be compared with our place."""
    tests: bool = False
    counts: tuple[Row, ...] = COUNTS
    without_end_s: float = 86_400.0
    """How long an alert holds that does not say when it ends."""


class Heard(msgspec.Struct, frozen=True):
    """A message, and the key of the one that it began with."""

    alert: Alert
    root: str


class Memory(msgspec.Struct, frozen=True):
    """All messages that still say something, in the order in which they were sent."""

    heard: tuple[Heard, ...] = ()


def take(memory: Memory, alert: Alert, rules: Rules, now: datetime) -> Memory:
    """One more message.

    Raises:
        BadPayload: another one of this name was sent at the same time.
    """
    if not _is_for_us(alert, rules):
        return memory
    known = next((one for one in memory.heard if one.alert.key == alert.key), None)
    if known is not None and alert.sent <= known.alert.sent:
        if alert.sent == known.alert.sent and alert != known.alert:
            raise BadPayload("want a new identifier or a later time of sending, got another text")
        return memory
    others = [one for one in memory.heard if one is not known]
    kin = [one for one in others if _are_kin(alert, one.alert, rules)]
    kin += [known] if known is not None else []
    root = min(kin, key=lambda one: one.alert.sent).root if kin else alert.key
    roots = {one.root for one in kin}
    joined = [Heard(one.alert, root) if one.root in roots else one for one in others]
    return Memory(_kept([*joined, Heard(alert, root)], rules, now))


def standing(memory: Memory, rules: Rules, now: datetime) -> dict[str, PostNotice]:
    """The notices that hold now, or will from a time that they name, by their id."""
    known = {one.alert.key: one.alert for one in memory.heard}
    ended = {
        key
        for new in known.values()
        if new.kind in _ENDS
        for key in new.references
        if key in known and key != new.key and _speaks(new, known[key], rules)
    }
    found = {}
    for one in memory.heard:  # in the order of sending: of two updates of one alert the later stays
        if one.alert.kind in _BEGINS_ANEW and one.alert.key not in ended:
            notice = _notice(one.alert, rules, now)
            if notice is not None:
                found[id_of(rules.name, one.root)] = notice
    return found


def _is_for_us(alert: Alert, rules: Rules) -> bool:
    is_real = alert.status in {"Actual", "Exercise"} or (alert.status == "Test" and rules.tests)
    is_known = not rules.senders or alert.sender in rules.senders
    is_said = alert.kind in _BEGINS_ANEW | _ENDS
    return is_real and is_known and is_said and alert.scope == "Public"


def _speaks(new: Alert, old: Alert, rules: Rules) -> bool:
    """Whether a message may speak of another: a drill ends no alert, nor one sender another's.

    Unless the office names both senders.
    """
    return (
        old.key in new.references
        and new.status in {old.status, "Actual"}
        and (new.sender == old.sender or bool(rules.senders))
    )


def _are_kin(one: Alert, other: Alert, rules: Rules) -> bool:
    return _speaks(one, other, rules) or _speaks(other, one, rules)


def _end(info: Info, rules: Rules) -> datetime:
    if info.expires is not None:
        return info.expires
    try:
        return info.effective + timedelta(seconds=rules.without_end_s)
    except OverflowError:
        return info.effective


def _kept(heard: list[Heard], rules: Rules, now: datetime) -> tuple[Heard, ...]:
    """Without what is long over; of too many the ones sent last."""

    def is_worth_it(one: Heard) -> bool:
        ends = [one.alert.sent, *(_end(info, rules) for info in one.alert.infos)]
        return now - max(ends) < _REMEMBERED

    worthy = sorted((one for one in heard if is_worth_it(one)), key=lambda one: one.alert.sent)
    return tuple(worthy[-_MOST:])


def _notice(alert: Alert, rules: Rules, now: datetime) -> PostNotice | None:
    """What an alert says to us now; None if nothing."""
    weighed = [
        (_weight(info, rules), info)
        for info in alert.infos
        if _end(info, rules) > now and _is_here(info, rules)
    ]
    weighed = [(weight, info) for weight, info in weighed if weight != "none" and _lines(info)]
    weighed.sort(key=lambda each: GRAVEST.index(each[0]))
    if not weighed:
        return None
    weight = gravest(weight for weight, _ in weighed)
    chosen = [info for each, info in weighed if each == weight]
    since = min(info.effective for info in chosen)
    return PostNotice(
        by=by(chosen[0].sender or alert.sender),
        severity="info" if weight == "none" else weight,
        drill=alert.status != "Actual",
        since=since if since > alert.sent else None,
        until=max(_end(info, rules) for info in chosen),
        texts=dict(_texts(weighed)),
    )


def _weight(info: Info, rules: Rules) -> Weight:
    return next((row.weight for row in rules.counts if row.fits(info)), "none")


def _is_here(info: Info, rules: Rules) -> bool:
    """Whether it is of our place; without an area it is of every place."""
    if not info.areas:
        return True
    judged = [covers(area, rules.codes, rules.location) for area in info.areas]
    return True in judged or (None in judged and rules.unplaced)


def _texts(weighed: list[tuple[Weight, Info]]) -> Iterator[tuple[str, str]]:
    """By language what its gravest blocks say, each once; the gravest come first."""
    for language in dict.fromkeys(info.language for _, info in weighed):
        said = [(weight, info) for weight, info in weighed if info.language == language]
        lines = [line for weight, info in said if weight == said[0][0] for line in _lines(info)]
        yield language, cut("\n".join(dict.fromkeys(lines)))


def _lines(info: Info) -> list[str]:
    """Headline, description, what to do. A headline that the description repeats is left out."""
    head = info.headline or info.event
    begins = head.removesuffix("…").rstrip(". ")
    if info.description and info.description[0].startswith(begins):
        head = ""
    return [line for line in (head, *info.description, *info.instruction) if line]
