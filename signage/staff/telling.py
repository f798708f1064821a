"""What is wrong with a machine, in the words of who looks after it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from models.care.office import Unit
from models.care.trouble import CUTTING, Severity, Trouble
from models.care.values import Value
from models.site import Names, Site
from signage.staff.words import StaffWords

MARKS: dict[Severity | None, str] = {"urgent": "■", "soon": "▲", "later": "△", None: "○"}
"""Colour is never alone."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_LONG_S, _LONG_HOURS_S = 90 * _MINUTE_S, 48 * _HOUR_S
_OWN = {"hub": "care.hub", "web": "care.web"}
_SENSORS = ("camera", "ticket", "queue", "bookings", "gate", "button", "cap", "jma", "sim")
_VALUES = ("service", "zone", "lot")
_SCREENS = ("screen", "guide")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble: what residents miss because of it, what they do not, what it is, what to do.

    `why` is in the machine's own words.
    """

    missed: Sequence[str]
    kept: Sequence[str]
    cause: str
    cure: str
    why: str


class Telling:
    """The words of one language about one office's machines."""

    def __init__(self, site: Site, words: StaffWords) -> None:
        self._words = words
        self._things: dict[tuple[str, str], Names | None] = {
            **{("service", one.id): one.name for one in site.services},
            **{("zone", one.id): one.name for one in site.zones},
            **{("lot", one.id): one.name for one in site.lots},
            **{("line", one.id): one.name for one in site.lines},
            **{("gate", one.id): one.name for one in site.gates},
            **{("machine", one.id): one.name for one in site.devices},
            **{("machine", one.id): one.name for one in site.displays},
        }

    def line(self, trouble: Trouble, now: datetime) -> Line:
        """All that is said of one trouble."""
        return Line(
            missed=list(self._missed(trouble)),
            kept=list(self._kept(trouble)),
            cause=self._cause(trouble, now),
            cure=self._words(f"cure.{trouble.kind}"),
            why=trouble.why if trouble.kind in ("alert", "hub_alert", "screen", "shipping") else "",
        )

    def who(self, machine: str) -> str:
        """A machine by its name and id; the office's own by what it is."""
        if machine in _OWN:
            return self._words(_OWN[machine])
        name = self._name("machine", machine)
        return name if name == machine else self._words("care.who", name=name, id=machine)

    def sensor(self, title: str) -> str:
        """A sensor as its device names it: its kind, and the first of what it observes."""
        kind, _, thing = title.partition(" ")
        said = self._words(f"sensor.{kind}") if kind in _SENSORS else kind
        for kinds in ("zone", "line", "lot", "service", "gate"):
            if (kinds, thing) in self._things:
                return f"{said} {self._name(kinds, thing)}"
        return f"{said} {thing}".strip()

    def last(self, unit: Unit, now: datetime) -> str:
        """How long ago it spoke: 「12分前」."""
        if unit.last_word is not None:
            return self.age((now - unit.last_word).total_seconds())
        return self._words("ago.unknown" if unit.told.is_known else "ago.never")

    def age(self, age_s: float | None) -> str:
        """The same of something that is so old; None is that it never was."""
        if age_s is None:
            return self._words("ago.never")
        unit, count = _counted(age_s)
        return self._words(f"ago.{unit}", count=count)

    def span(self, since: datetime | None, now: datetime) -> str:
        """How long: 「12分間」."""
        if since is None:
            return self._words("span.unknown")
        unit, count = _counted((now - since).total_seconds())
        return self._words(f"span.{unit}", count=count)

    def _cause(self, trouble: Trouble, now: datetime) -> str:
        what = self.sensor(trouble.what) if trouble.kind == "quiet" else ""
        if trouble.kind == "estimate":
            what = self._name("service", trouble.what)
        since = trouble.since
        return self._words(
            f"care.{trouble.kind}",
            who=self.who(trouble.who),
            span=self.span(since, now),
            time=self._words("care.unknown") if since is None else self._words.moment(since),
            what=what,
            why=trouble.why,
            amount=_number(trouble, trouble.amount),
            usual=_number(trouble, trouble.usual),
        )

    def _missed(self, trouble: Trouble) -> Iterator[str]:
        """What residents miss because of it, a sentence each."""
        if trouble.kind == "over":
            yield self._words("miss.over", names=self._name("zone", trouble.what))
        elif trouble.kind == "estimate":
            yield self._words("miss.estimate", what=self._of(trouble.missed, "list.end"))
        elif trouble.kind == "screen":
            yield self._words("miss.screen.wrong", names=self._name("machine", trouble.who))
        elif trouble.kind in CUTTING:
            for standing in ("gone", "closed"):
                of = [value for value, stands in trouble.missed.items() if stands == standing]
                yield from self._cut(of, standing)

    def _cut(self, of: Sequence[Value], standing: str) -> Iterator[str]:
        """What came from it comes no more."""
        if what := self._of(of, "list.values"):
            yield self._words(f"miss.{standing}", what=what)
        for value in of:
            names = self._name("machine", value.id)
            if value.kind in _SCREENS:
                yield self._words(f"miss.screen.{standing}", names=names)
            elif value.kind == "switch":
                yield self._words("miss.switch", names=names)
            elif value.kind == "warnings":
                yield self._words("miss.warnings")

    def _kept(self, trouble: Trouble) -> Iterator[str]:
        """What they do not miss, or not yet."""
        shown = [value for value, stands in trouble.missed.items() if stands == "shown"]
        if trouble.kind in CUTTING:
            if what := self._of(shown, "list.values.and"):
                yield self._words("miss.shown", what=what)
            elif not trouble.missed:
                yield self._words("miss.none")
        elif trouble.kind not in ("over", "estimate", "screen"):
            what = self._of(trouble.missed, "list.values")
            is_pressing = trouble.severity != "later" and bool(what)
            yield self._words("miss.later", what=what) if is_pressing else self._words("miss.none")

    def _of(self, values: Iterable[Value], join: str) -> str:
        """Values by their names: 「住民票、引っ越しの待ち時間、ロビーの人数」."""
        values = list(values)
        said = []
        for kind in _VALUES:
            names = [self._name(kind, value.id) for value in values if value.kind == kind]
            if names:
                listed = self._words("list.comma").join(names[:-1])
                end = self._words("list.end")
                listed = end.join(filter(None, (listed, names[-1])))
                said.append(self._words(f"value.{kind}", names=listed))
        return self._words(join).join(said)

    def _name(self, kind: str, thing: str) -> str:
        return self._words.name(self._things.get((kind, thing)), thing)


def _counted(seconds: float) -> tuple[str, int]:
    """A unit that fits, and how many of it."""
    if seconds < 2 * _MINUTE_S:
        return "seconds", max(0, int(seconds))
    if seconds < _LONG_S:
        return "minutes", int(seconds // _MINUTE_S)
    if seconds < _LONG_HOURS_S:
        return "hours", round(seconds / _HOUR_S)
    return "days", round(seconds / _DAY_S)


def _number(trouble: Trouble, amount: float | None) -> str:
    """A number in the unit of its sentence: minutes, %, or as it is."""
    if amount is None:
        return ""
    if trouble.kind == "estimate":
        return f"{amount / _MINUTE_S:.1f}"
    if trouble.kind == "disk":
        return f"{amount * 100:.0f}"
    if trouble.kind == "clock_off":
        return f"{abs(amount):.0f}"
    return f"{amount:.0f}"
