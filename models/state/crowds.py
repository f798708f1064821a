"""What goes on in a line that no ticket tells of: by calls, doorways, cameras, clerks' levels."""

import math
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from models.state.crowd import Call, CrowdState
from models.state.house import House
from models.state.memory import Memory
from models.state.plan import within
from models.wait.arrivals import ages_s, slot_of
from models.wait.belief import Belief
from models.wait.durations import EDGES, Durations, Floats
from models.wait.line import Learnt
from models.wait.noshow import MINUTES
from models.wait.unseen import Crowd, Window

_TICKETS_S = 3600.0  # so long after the last ticket the crowd is left to the tickets
_STEP_S = 60.0
_LONG_S = 1800.0  # unwatched: nobody knows any more
_TWICE_S = 5.0  # a button that is pressed again so soon was pressed by mistake
_SETTLE_S = 60.0  # from the doorway to the end of the line, or from the opening to the first call
_GONE = 1.5  # of the seconds after which a clerk gives up: a call that was followed sooner
_SURE = 0.8  # that somebody waited: then the time between two calls was a service
_COMPANIONS = 1.3  # people that a camera sees for each that waits
_SHARE_SD, _COUNT_SD = 0.15, 1.5  # of a camera
_STRANGE = 0.02  # what is so unlikely may be a mistake
_EARLY_S = 600.0  # before a reservation its holder sits there
_LEVELS = (1.0, 3.0)  # waiting for each open counter, from which on staff say 2 and 3
_LEVEL_SD = 0.1  # of the logarithm of these
_LEVEL_WRONG = 0.05
_UNSEEN = 0.03  # crossings that a doorway misses
_LOST = 0.001  # that something went wrong: the number may be any other
_LOAD_SD = 0.1  # of the logarithm of a day's load
_FEW_DAYS = 4.0  # in which the usual is hardly known
_CERTAIN = 2.0  # people: less uncertainty is none
_DOOR_SD = 0.1  # of the pace by which those who go out are told from those who were served
_SCALE_SD = 0.1  # of the people that a sensor counts for each that waits
_MIXED_SD = 0.2  # ... and of those ahead, where a counter of one service does not call them all
_BUSY = 0.9  # share of the counters' time that is needed, before anything is known
_MANY = 12  # people for each counter: more are not believed without having been seen to come


class Desks(NamedTuple):
    """The open counters: who, when each was last free to call, and what they do."""

    names: list[str]
    since_s: list[float]
    learnt: list[Learnt]
    serving: list[bool]


class Crowds:
    """Follows the crowds in a memory.

    Times are seconds since 1970. Services that share counters, directly or through others, have one
    crowd, which is named by the first of them.
    """

    def __init__(self, memory: Memory, house: House) -> None:
        self.memory = memory
        self.house = house

    def press(self, counter: str, device: str, at_s: float) -> None:
        """A counter calls whoever comes next, or whoever comes in while it has nobody."""
        services = self.house.services_of[counter]
        group = self._group(services[0]) if services else None
        if group is None:
            return
        self.memory.beats.feed(f"calls/{group}", device, at_s)
        crowd = self._followed(group, "buttons", at_s)
        last = crowd.calls.get(counter)
        if last is not None and at_s < last.at_s + _TWICE_S:
            return
        self.advance(group, at_s)
        belief = crowd.belief
        if belief is None:
            return
        desks = desks_of(self.memory, self.house, group, at_s)
        waited_s = self._age_s(group, at_s, belief.mean())
        crowd.arrivals.called += 1
        if counter in desks.names:
            sure = self._called(group, desks, counter, at_s)
            self._learn(group, counter, at_s, sure)
            crowd.arrivals.note(1.0 - sure, at_s - self.memory.day_s, 0.0)
        else:
            belief.step(-1, -len(desks.names))
        crowd.calls[counter] = Call(at_s, waited_s)

    def cross(self, line: str, step: int, device: str, at_s: float) -> None:
        """Somebody came in through a doorway (+1), or went out (-1).

        It tells of those who wait only where all come for the same counters.
        """
        groups = self.house.groups_behind(line)
        group = self._group(groups[0]) if len(groups) == 1 else None
        if group is None or self.memory.crowds[group].by == "buttons":
            return
        self.memory.beats.feed(f"crossings/{group}", device, at_s)
        crowd = self._followed(group, "door", at_s)
        self.advance(group, at_s)
        if crowd.belief is None:
            return
        if step > 0:
            crowd.coming.append(at_s)
            crowd.arrivals.note(1.0, at_s - self.memory.day_s, 0.0)
        else:
            self._goes(crowd, crowd.belief)

    def people(self, zone: str, people: int, at_s: float) -> None:
        """A camera counted those who wait in a zone."""
        groups = self.house.groups_in(zone)
        followed = [g for g in groups if self._group(g) and self.memory.crowds[g].belief]
        if len(followed) < len(groups):
            return
        people = max(people - self._booked(groups, at_s), 0)
        for group in groups:
            self._doubt(group, at_s)
        if not all(self.memory.crowds[group].belief for group in groups):
            return  # nobody had looked for too long
        seen = {group: self._present(group, at_s) for group in groups}
        means = {group: float(self._belief(group).table() @ seen[group]) for group in groups}
        for group in groups:
            mean = _COMPANIONS * (seen[group] + sum(means.values()) - means[group])
            sd = np.sqrt((_SHARE_SD * mean) ** 2 + _COUNT_SD**2)
            z2 = ((people - mean) / sd) ** 2
            self._weigh(group, np.exp(-z2 / 2.0) / sd + 1e-3, at_s)

    def _booked(self, groups: tuple[str, ...], at_s: float) -> int:
        """Those who sit there for a counter of their own: they are in nobody's line."""
        day, holds_s = self.house.plans.at(at_s).day, self.house.site.freshness.bookings_s
        there = 0.0
        for service in (member for group in groups for member in self.house.group[group]):
            if self.house.services[service].bookings == "own-counter":
                book = self.memory.services[service].book
                ahead = book.ahead(day, at_s, holds_s)
                there += book.share() * sum(n for due_s, n in ahead if due_s <= at_s + _EARLY_S)
        return round(_COMPANIONS * there)

    def level(self, service: str, level: int, at_s: float) -> None:
        """Staff said how many wait for each open counter."""
        group = self._group(service)
        if group is None:
            return
        self._doubt(group, at_s)
        if not self.memory.crowds[group].belief:
            return
        count = max(len(desks_of(self.memory, self.house, group, at_s).names), 1)
        each = np.log((np.maximum(self._belief(group).numbers(), 0.0) + 0.5) / count)
        above = [_normal((each - math.log(limit)) / _LEVEL_SD) for limit in _LEVELS]
        shares = (1.0 - above[0], above[0] - above[1], above[1])
        likely = shares[min(level, len(shares)) - 1]
        self._weigh(group, likely * (1 - _LEVEL_WRONG) + _LEVEL_WRONG, at_s)

    def turn(self, counter: str, at_s: float, *, open: bool) -> None:  # noqa: A002
        """A counter is about to open or close: until now it was as it was."""
        services = self.house.services_of.get(counter)
        group = self._group(services[0]) if services else None
        if group is None:
            return
        self.advance(group, at_s)
        crowd = self.memory.crowds[group]
        if crowd.belief is None or crowd.by != "buttons":
            return
        names = desks_of(self.memory, self.house, group, at_s).names
        if open and counter not in names:
            crowd.belief.opens()
        elif not open and counter in names:
            crowd.belief.closes(len(names))

    def miss(self, group: str, at_s: float) -> None:
        """Calls or crossings may be missing: anything may have happened."""
        crowd = self.memory.crowds.get(group)
        if crowd is not None and crowd.belief is not None:
            self.advance(group, at_s)
            crowd.belief = self._anything(group)

    def advance(self, group: str, to_s: float) -> None:
        """Time passes, in which nothing was seen."""
        crowd = self.memory.crowds[group]
        if crowd.belief is None or to_s <= crowd.at_s:
            return
        if to_s - crowd.at_s > _LONG_S:
            crowd.belief, crowd.at_s = None, to_s
            return
        advanced = self._by_calls if crowd.by == "buttons" else self._by_door
        while crowd.at_s < to_s:
            step_s = min(to_s, crowd.at_s + _STEP_S)
            advanced(group, crowd, step_s)
            crowd.at_s = step_s

    def _group(self, service: str) -> str | None:
        """The group of a service, or None if tickets tell of it."""
        group = self.house.group[service]
        now_s = self.memory.now_s
        for member in group:
            fed = self.memory.beats.feeds.get(f"tickets/{member}")
            if fed and max(fed.values()) > now_s - _TICKETS_S:
                self.memory.crowds[group[0]].belief = None
                return None
        return group[0]

    def _followed(self, group: str, by: str, at_s: float) -> CrowdState:
        """The crowd of a group, begun if it was not followed: nobody waits before it is open."""
        crowd = self.memory.crowds[group]
        if crowd.belief is None or crowd.by != by:
            spans = self.house.plans.at(at_s).services[group]
            is_morning = bool(spans) and at_s < spans[0][0] + _LONG_S and not crowd.by
            desks = desks_of(self.memory, self.house, group, at_s)
            crowd.by, crowd.at_s, crowd.open = by, at_s, len(desks.names)
            crowd.coming = []
            if is_morning:
                crowd.at_s = min(spans[0][0], at_s)
                crowd.belief = Belief.sure(-crowd.open, self._load_sd(crowd))
            else:
                crowd.belief = self._anything(group)
        return crowd

    def _belief(self, group: str) -> Belief:
        belief = self.memory.crowds[group].belief
        if belief is None:
            raise ValueError(f"want a crowd that is followed, got none - {group}")
        return belief

    def _doubt(self, group: str, at_s: float) -> None:
        """Before anything is counted: all that was believed may be wrong."""
        self.advance(group, at_s)
        belief = self.memory.crowds[group].belief
        if belief is not None:
            belief.mix(self._anything(group), _LOST)

    def _weigh(self, group: str, likelihood: Floats, at_s: float) -> None:
        crowd, belief = self.memory.crowds[group], self._belief(group)
        before = belief.mean()
        belief.weigh(likelihood)
        if crowd.by == "buttons":
            crowd.arrivals.correct(
                belief.mean() - before, at_s - self.memory.day_s, is_sure=belief.sd() < _CERTAIN
            )

    def _anything(self, group: str) -> Belief:
        most = _MANY * max(len(self.house.counters_of[group]), 1)
        return Belief.vague(most, self._load_sd(self.memory.crowds[group]))

    def _load_sd(self, crowd: CrowdState) -> float:
        return _LOAD_SD if crowd.arrivals.known() > _FEW_DAYS else 2 * _LOAD_SD

    def _by_calls(self, group: str, crowd: CrowdState, to_s: float) -> None:
        """Some come; if anybody waited, a counter that is free would have called."""
        belief, step_s = self._belief(group), to_s - crowd.at_s
        desks = desks_of(self.memory, self.house, group, to_s)
        rates = self._rates_done(desks, to_s - step_s / 2.0)
        done = sum(rate for rate, serving in zip(rates, desks.serving, strict=True) if serving)
        belief.quiet(sum(rates) * step_s, done * step_s, len(desks.names))
        if within(self.house.plans.at(to_s).services[group], to_s):
            mean = self._rate(group, to_s) * step_s
            belief.come(mean, step_s)
            came = mean * belief.load() * float(belief.table()[max(-belief.low, 0) :].sum())
            crowd.arrivals.note(came, to_s - self.memory.day_s, step_s)

    def _rates_done(self, desks: Desks, to_s: float) -> list[float]:
        """Services that end a second, of each desk that still serves or has just opened."""
        factor = self.memory.pace.belief(1.0)[0]
        rates = []
        for at_s, learnt, serving in zip(desks.since_s, desks.learnt, desks.serving, strict=True):
            if not serving:
                rates.append(1.0 / _SETTLE_S)
            else:
                rates.append(hazard(learnt.durations, max(to_s - at_s, 0.0) / factor) / factor)
        return rates

    def _by_door(self, group: str, crowd: CrowdState, to_s: float) -> None:
        belief = self._belief(group)
        desks = desks_of(self.memory, self.house, group, to_s)
        count = len(desks.names)
        if count != crowd.open:
            belief.step(crowd.open - count, -count)
            crowd.open = count
        waiting, step_s = belief.waiting(), to_s - crowd.at_s
        people = round(belief.mean())
        ages = float(self.ages_s(group, to_s, people).sum()) if people else 0.0
        crowd.leaving.pass_by(step_s, waiting * count * step_s, ages * step_s, self.first_s(group))
        while crowd.coming and crowd.coming[0] + _SETTLE_S <= to_s:
            crowd.coming.pop(0)
            belief.step(1, -count)
            more = belief.copy()
            more.step(1, -count)
            belief.mix(more, _UNSEEN)
        if within(self.house.plans.at(to_s).services[group], to_s):
            crowd.arrivals.note(0.0, to_s - self.memory.day_s, step_s)

    def _goes(self, crowd: CrowdState, belief: Belief) -> None:
        crowd.leaving.went += belief.waiting()
        belief.step(-1, -crowd.open)
        fewer = belief.copy()
        fewer.step(-1, -crowd.open)
        belief.mix(fewer, _UNSEEN)

    def first_s(self, group: str) -> float:
        """The mean service of a group, as the site file guesses or tickets taught."""
        members = self.house.group[group]
        return sum(self.memory.services[m].learnt.durations.mean_s for m in members) / len(members)

    def _rate(self, group: str, at_s: float) -> float:
        return float(self._rates(group, at_s)[slot_of(at_s - self.memory.day_s)])

    def _rates(self, group: str, at_s: float) -> Floats:
        """(50,) float64: arrivals a second by half hours, on a usual day."""
        plan, members = self.house.plans.at(at_s), self.house.group[group]
        counters = self.house.counters_of[group]
        open_s = sum(end - start for c in counters for start, end in plan.counters[c])
        day_s = sum(end - start for start, end in plan.services[group]) or 1.0
        minutes = sum(self.house.services[m].service_minutes for m in members) / len(members)
        first_per_s = _BUSY * open_s / day_s / (60.0 * minutes)
        return self.memory.crowds[group].arrivals.usual(first_per_s)

    def _leave(self, group: str) -> Learnt:
        return leave_of(self.memory, self.house, group)

    def ages_s(self, group: str, at_s: float, people: int) -> Floats:
        """(people,) float64: how long each has waited that waits now, the last first."""
        spans, day_s = self.house.plans.at(at_s).services[group], self.memory.day_s
        start_s = spans[0][0] if spans else at_s
        rates = self._rates(group, at_s) * self._belief(group).load()
        return ages_s(rates, at_s - day_s, start_s - day_s, people)

    def _age_s(self, group: str, at_s: float, people: float) -> float:
        """How long the first of so many has waited."""
        count = round(people)
        return float(self.ages_s(group, at_s, count)[-1]) if count else 0.0

    def _present(self, group: str, at_s: float) -> Floats:
        """(n,) float64: people who are there, for each number that the belief holds possible."""
        crowd, belief = self.memory.crowds[group], self._belief(group)
        numbers = np.maximum(belief.numbers(), 0.0)
        if crowd.by == "door":
            return numbers
        most = int(numbers[-1])
        if not most:
            return numbers
        minutes = np.minimum(self.ages_s(group, at_s, most) / 60.0, MINUTES - 1).astype(int)
        stayed = 1.0 - self._leave(group).noshow.table()[minutes]
        there: Floats = np.concatenate(([0.0], np.cumsum(stayed)))[numbers.astype(int)]
        return there

    def _called(self, group: str, desks: Desks, counter: str, at_s: float) -> float:
        """Weigh a call: somebody waited for it, or came while it was free. The former's share."""
        index = desks.names.index(counter)
        gone_s, learnt = at_s - desks.since_s[index], desks.learnt[index]
        waited = max(self._rates_done(desks, at_s)[index], 1e-5)
        free = [
            share_done(other.durations, at_s - since_s) if serving else 1.0
            for since_s, other, serving in zip(
                desks.since_s, desks.learnt, desks.serving, strict=True
            )
        ]
        came = max(self._rate(group, at_s) * free[index] / max(sum(free), 1e-9), 1e-7)
        if desks.serving[index] and gone_s < _GONE * learnt.absent_s:
            waited = 1.0 / learnt.absent_s
        waited = min(max(waited, _STRANGE * came), came / _STRANGE)
        return self._belief(group).call(waited, came)

    def _learn(self, group: str, counter: str, at_s: float, sure: float) -> None:
        """The last call of a counter led to a service, or to nobody."""
        last = self.memory.crowds[group].calls.get(counter)
        state = self.memory.counters[counter]
        if last is None or state.changed_s > last.at_s:
            return
        learnt, leave = learnt_of(self.memory, self.house, group, counter), self._leave(group)
        duration_s = at_s - last.at_s
        is_absent = duration_s < _GONE * leave.absent_s
        leave.noshow.learn(last.waited_s, absent=is_absent)
        if is_absent:
            leave.absent_s += 0.05 * (duration_s - leave.absent_s)
        elif sure > _SURE:
            self.memory.pace.learn(duration_s, learnt.durations.mean_s)
            learnt.durations.learn(duration_s)


def share_done(durations: Durations, gone_s: float) -> float:
    """Share of the services that take no longer than this."""
    if gone_s <= 0.0:
        return 0.0
    sums = np.cumsum(durations.weights)
    return float(np.interp(gone_s, EDGES[1:], sums / sums[-1]))


def hazard(durations: Durations, gone_s: float) -> float:
    """Share of the services that have lasted so long that end in a second, on either side of it.

    Looked for ahead only it would rise too early: all services would seem shorter than they are.
    """
    half_s = max(gone_s, durations.mean_s) / 8.0
    from_s, to_s = max(gone_s - half_s, 0.0), gone_s + half_s
    sums = np.cumsum(durations.weights)
    then, later = np.interp((from_s, to_s), EDGES[1:], sums / sums[-1], left=0.0)
    left, leave = max(1.0 - then, 0.01), max(1.0 - later, 0.003)
    return math.log(left / min(leave, left)) / (to_s - from_s)


_normal: Callable[[Floats], Floats] = np.vectorize(
    lambda z: 0.5 * math.erfc(-z / math.sqrt(2.0)), otypes=[np.float64]
)


def leave_of(memory: Memory, house: House, group: str) -> Learnt:
    """By which no-shows of a group are known."""
    members = house.group[group]
    return memory.services[group].learnt if len(members) == 1 else memory.crowds[group].mixed


def learnt_of(memory: Memory, house: House, group: str, counter: str) -> Learnt:
    """What is known of a counter's services: of its only one, or of all that share it."""
    services = house.services_of.get(counter, (group,))
    if len(services) == 1:
        return memory.services[services[0]].learnt
    return memory.crowds[group].mixed


def desks_of(memory: Memory, house: House, group: str, at_s: float) -> Desks:
    """The open counters of a group."""
    plan, crowd = house.plans.at(at_s), memory.crowds[group]
    desks = Desks([], [], [], [])
    for name in house.counters_of[group]:
        counter, spans = memory.counters[name], plan.counters[name]
        if not counter.is_open(spans, at_s):
            continue
        last = crowd.calls.get(name)
        start_s = max((start for start, _ in spans if start <= at_s), default=plan.start_s)
        if counter.open:
            start_s = counter.changed_s
        serving = last is not None and last.at_s >= start_s
        desks.names.append(name)
        desks.since_s.append(last.at_s if last is not None and serving else start_s)
        desks.learnt.append(learnt_of(memory, house, group, name))
        desks.serving.append(serving)
    return desks


def crowd_of(memory: Memory, house: House, service: str, now_s: float) -> Crowd | None:
    """The line as the estimator takes it; None while nobody knows how many wait."""
    group = house.group[service][0]
    ahead = {**memory.crowds, group: memory.crowds[group].copy()}
    memory = msgspec.structs.replace(memory, crowds=ahead)
    crowds, crowd = Crowds(memory, house), memory.crowds[group]
    crowds.advance(group, now_s)
    if crowd.belief is None:
        return None
    by_calls = crowd.by == "buttons"
    windows = _windows(memory, house, group, now_s)
    factor, factor_sd = memory.pace.belief(leave_of(memory, house, group).durations.variation2)
    patience = 0.0
    if not by_calls:
        first_s = crowds.first_s(group)
        factor, factor_sd = crowd.leaving.pace()
        service_s, patience = crowd.leaving.belief(first_s)
        factor, factor_sd = factor * service_s / first_s, math.hypot(factor_sd, _DOOR_SD)
    most = max(int(crowd.belief.numbers()[-1]), 1)
    return Crowd(
        now_s=now_s,
        windows=windows,
        belief=crowd.belief,
        ages_s=tuple(crowds.ages_s(group, now_s, most).tolist()),
        leave=leave_of(memory, house, group) if by_calls else None,
        patience=patience,
        factor=factor,
        factor_sd=factor_sd,
        scale_sd=_SCALE_SD if len(house.group[group]) == 1 else _MIXED_SD,
    )


def _windows(memory: Memory, house: House, group: str, now_s: float) -> tuple[Window, ...]:
    plan, desks = house.plans.at(now_s), desks_of(memory, house, group, now_s)
    close_s = plan.office[-1][1] if plan.office else now_s
    called_s = {
        name: since_s
        for name, since_s, serving in zip(desks.names, desks.since_s, desks.serving, strict=True)
        if serving
    }
    windows = []
    for name in house.counters_of[group]:
        counter, spans = memory.counters[name], plan.counters[name]
        closures = counter.closures(spans, close_s, now_s, memory.breaks)
        learnt = learnt_of(memory, house, group, name)
        windows.append(Window(learnt, called_s.get(name), closures))
    return tuple(windows)
