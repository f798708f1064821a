"""What is published of the coming hours and of the next 14 days."""

import math
from collections.abc import Callable, Iterator
from datetime import timedelta

from models.contract.results import (
    Free,
    HalfHour,
    LotForecast,
    LotStep,
    People,
    Result,
    ServiceForecast,
    ServiceStep,
    Spread,
)
from models.forecast.best import best_hour
from models.forecast.work import Share, lasts_s
from models.state import waits
from models.state.plan import Plan, Spans, within
from models.state.view import View, time_of

_HOLDS = timedelta(minutes=30)
_DAYS = 15  # today and 14 more
_DAY_S = 86_400.0
_HALF_HOUR_S = 1800.0
_Z80 = 1.2816
_ROUNDS = 5

Quantiles = tuple[float, float, float]


def forecasts_of(view: View) -> dict[str, Result]:
    """All that can be told of what comes, by the topic below `hub/`."""
    found: dict[str, Result | None] = {}
    found |= {f"forecast/service/{s}": _service(view, s) for s in view.house.services}
    found |= {f"forecast/lot/{lot.id}": _lot(view, lot.id) for lot in view.house.site.car_parks}
    return {key: result for key, result in found.items() if result is not None}


def _service(view: View, service: str) -> ServiceForecast | None:
    steps = []
    for plan, then_s in _moments(view, lambda plan: plan.services[service]):
        people = view.people(service, then_s - view.now_s)
        if people is not None:
            low, middle, high = (round(value, 1) for value in people)
            told = People(p10=low, p50=middle, p90=high)
            wait = _wait(view, service, plan, then_s, people)
            steps.append(ServiceStep(at=time_of(then_s), waiting=told, wait=wait))
    if not steps:
        return None
    ends = time_of(view.plan.end_s)
    return ServiceForecast(
        at=view.now,
        observed_at=time_of(view.memory.now_s),
        valid_until=view.now + _HOLDS,
        steps=tuple(steps),
        best=best_hour([step for step in steps if step.at < ends]),
        today=tuple(_today(view, service)),
    )


def _today(view: View, service: str) -> Iterator[HalfHour]:
    """The half hours of today at which it is open."""
    spans, start_s = view.plan.services[service], view.plan.start_s
    for slot, values in enumerate(view.memory.services[service].busy.today()):
        at_s = start_s + slot * _HALF_HOUR_S
        if within(spans, at_s):
            usual, came = (None if value is None else round(value, 1) for value in values)
            yield HalfHour(at=time_of(at_s), usual=usual, came=came)


def _lot(view: View, lot: str) -> LotForecast | None:
    capacity = view.house.lots[lot].capacity
    steps = []
    for _, then_s in _moments(view, lambda plan: plan.lots[lot]):
        cars = view.cars(lot, then_s - view.now_s)
        if cars is not None:
            low, middle, high = (math.floor(capacity - value + 0.5) for value in reversed(cars))
            steps.append(LotStep(at=time_of(then_s), free=Free(p10=low, p50=middle, p90=high)))
    if not steps:
        return None
    return LotForecast(
        at=view.now,
        observed_at=time_of(view.memory.now_s),
        valid_until=view.now + _HOLDS,
        capacity=capacity,
        steps=tuple(steps),
    )


def _moments(view: View, spans_of: Callable[[Plan], Spans]) -> Iterator[tuple[Plan, float]]:
    """Every half hour of the next 24 hours and every hour after them at which it is open."""
    for n in range(_DAYS):
        plan = view.house.plans.at(view.plan.start_s + (n + 0.5) * _DAY_S)
        spans = spans_of(plan)
        if not spans:
            continue
        for half in range(round((plan.end_s - plan.start_s) / _HALF_HOUR_S)):
            then_s = plan.start_s + half * _HALF_HOUR_S
            is_near = then_s < view.now_s + _DAY_S
            if then_s > view.now_s and (is_near or half % 2 == 0) and within(spans, then_s):
                yield plan, then_s


def _wait(view: View, service: str, plan: Plan, then_s: float, people: Quantiles) -> Spread | None:
    """The wait of who comes when so many wait: their work, shared by the counters of that hour.

    How long their services take is chance as well as how many they are.
    """
    memory, state = view.memory, view.memory.services[service]
    if memory.beats.heard_of(f"tickets/{service}") is None:
        return _shown(view, service, people)
    counters: list[Share] = [
        (
            1.0 / max(len(view.house.services_of.get(counter, ())), 1),
            plan.counters.get(counter, plan.office),
        )
        for counter in waits.counters_of(memory, view.house, service)
    ]
    learnt = state.learnt
    mean_s = learnt.durations.mean_s
    if plan.start_s == view.plan.start_s:
        mean_s *= memory.pace.belief(learnt.durations.variation2)[0]

    def wait_s(waiting: float) -> float | None:
        found_s = lasts_s(waiting * mean_s, then_s, counters)
        for _ in range(_ROUNDS):  # the longer the line, the more of those ahead have left
            if found_s is None:
                return None
            gone = learnt.noshow.share(found_s / 60.0)
            each_s = mean_s + gone * (learnt.absent_s - mean_s)
            next_s = lasts_s(waiting * each_s, then_s, counters)
            found_s = None if next_s is None else (found_s + next_s) / 2.0
        return found_s

    low_s, middle_s, high_s = (wait_s(value) for value in people)
    many = max(people[1], 1.0)
    many_s = wait_s(many)
    if low_s is None or middle_s is None or high_s is None or many_s is None:
        return None
    own_s = _Z80 * many_s * math.sqrt(learnt.durations.variation2 / many)
    low_s = max(middle_s - math.hypot(middle_s - low_s, own_s), 0.0)
    high_s = middle_s + math.hypot(high_s - middle_s, own_s)
    return _spread(low_s, middle_s, high_s)


def _shown(view: View, service: str, people: Quantiles) -> Spread | None:
    """The same by what a polled display has taught."""
    display = view.memory.services[service].display
    service_s = view.house.services[service].service_minutes * 60.0
    told = [display.told(round(value), view.memory.day_s, service_s) for value in people]
    return _spread(*(None if spread is None else spread.p50_s for spread in told))


def _spread(p10_s: float | None, p50_s: float | None, p90_s: float | None) -> Spread | None:
    if p10_s is None or p50_s is None or p90_s is None:
        return None
    return Spread(p10_s=round(p10_s), p50_s=round(p50_s), p90_s=round(p90_s))
