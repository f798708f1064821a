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
from models.state import waits
from models.state.plan import Plan, Spans, within
from models.state.view import View, time_of

_HOLDS = timedelta(minutes=30)
_DAYS = 15  # today and 14 more
_DAY_S = 86_400.0
_HALF_HOUR_S = 1800.0
_FELT_MINUTES = 45.0  # so long those with a reservation are felt by those who come after them


def forecasts_of(view: View) -> dict[str, Result]:
    """All that can be told of what comes, by the topic below `hub/`."""
    found: dict[str, Result | None] = {}
    found |= {f"forecast/service/{s}": _service(view, s) for s in view.house.services}
    found |= {f"forecast/lot/{lot.id}": _lot(view, lot.id) for lot in view.house.site.car_parks}
    return {key: result for key, result in found.items() if result is not None}


def _service(view: View, service: str) -> ServiceForecast | None:
    is_open = within(view.plan.services[service], view.now_s)
    steps, now = [], view.wait(service)[0] if is_open else None
    for plan, then_s in _moments(view, lambda plan: plan.services[service]):
        people = view.people(service, then_s - view.now_s)
        if people is not None:
            low, middle, high = (round(value, 1) for value in people)
            told = People(p10=low, p50=middle, p90=high)
            wait = _with_booked(
                view, service, plan, then_s, _wait(view, service, plan, then_s, now)
            )
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


def _wait(view: View, service: str, plan: Plan, then_s: float, now: Spread | None) -> Spread | None:
    """The wait of who comes then; None if it is unknown, or no counter will serve them."""
    always = plan.services[service]  # of a counter that nobody declared no timetable is known
    counters = waits.counters_of(view.memory, view.house, service)
    ends_s = (end for name in counters for _, end in plan.counters.get(name, always))
    told = view.waited(service, then_s - view.now_s, now)
    if told is None or then_s >= max(ends_s, default=0.0):
        return None
    return Spread(p10_s=round(told[0]), p50_s=round(told[1]), p90_s=round(told[2]))


def _with_booked(
    view: View, service: str, plan: Plan, then_s: float, wait: Spread | None
) -> Spread | None:
    """The same wait, longer or shorter where more or fewer than usual have booked before then."""
    if wait is None or not view.house.calls_booked_first(service):
        return wait
    state, house = view.memory.services[service], view.house
    if state.book.told(plan.day, view.now_s, view.fresh.bookings_s) is None:
        return wait
    then = (then_s - plan.start_s) / 60.0
    now = (view.now_s - plan.start_s) / 60.0
    people = state.book.more(plan.day, max(then - _FELT_MINUTES, now), then)
    counters = max(len(house.services[service].counters), 1)
    served_s = state.learnt.durations.mean_s
    busy = wait.p50_s / (wait.p50_s + served_s)  # an idle counter takes one more at once
    more_s = busy * state.book.share() * people * served_s / counters
    return Spread(  # the far side of it moves less: nobody knows how much of it is felt
        p10_s=max(round(wait.p10_s + min(more_s, more_s / 2.0)), 0),
        p50_s=max(round(wait.p50_s + more_s), 0),
        p90_s=max(round(wait.p90_s + max(more_s, more_s / 2.0)), 0),
    )
