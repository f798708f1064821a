"""What is published of car parks and waiting zones."""

import math

from models.contract.results import AccessibleResult, LotResult, ZoneResult
from models.state.lots import bays
from models.state.plan import within
from models.state.view import DAY, View, time_of
from models.state.zones import level_of


def lot_result(view: View, lot: str) -> LotResult:
    """One car park: closed, not known, or how many places are free."""
    table, state = view.house.lots[lot], view.memory.lots[lot]
    spans, calendar = view.plan.lots[lot], view.house.plans.calendar
    accessible, bays_until_s = _accessible(view, lot)
    unseen = bays(None, table.accessible, 0) if table.accessible else None
    if not within(spans, view.now_s):
        opens_at = calendar.lot_opens(lot, view.now)
        return LotResult(
            at=view.now,
            valid_until=opens_at or view.now + DAY,
            state="closed",
            capacity=table.capacity,
            accessible=unseen,
            opens_at=opens_at,
        )
    edge_s = view.plan.edge_after(spans, view.now_s)
    basis, seen_s, until_s = _lot_basis(view, lot)
    free = state.cars.free(view.now_s, table.capacity) if basis else None
    if free is None:
        return LotResult(
            at=view.now,
            valid_until=time_of(edge_s),
            state="no_data",
            capacity=table.capacity,
            accessible=unseen,
        )
    return LotResult(
        at=view.now,
        observed_at=time_of(seen_s),
        valid_until=time_of(min(edge_s, until_s, bays_until_s)),
        state="open",
        vacancy=state.cars.vacancy,
        free=free,
        capacity=table.capacity,
        accessible=accessible,
        basis=basis,
    )


def _accessible(view: View, lot: str) -> tuple[AccessibleResult | None, float]:
    """The accessible bays of a lot, and until when that holds: their own camera may be silent."""
    capacity, table = view.house.lots[lot].accessible, view.house.bays.get(lot)
    if not capacity:
        return None, math.inf
    look = None if table is None else view.memory.lots[table.id].look
    if table is None or look is None:
        return bays(None, capacity, 0), math.inf
    seen_s = view.now_s if view.assume_alive else look.at_s
    until_s = seen_s + (view.fresh.button_s if look.by_hand else view.fresh.camera_s)
    if until_s <= view.now_s:
        return bays(None, capacity, 0), math.inf
    return bays(look, capacity, table.few), until_s


def _lot_basis(view: View, lot: str) -> tuple[str, float, float]:
    """What the estimate rests on that is still fresh, since when and until when it holds.

    A beat of the gates counts as seen: nothing has passed.
    """
    state, fresh = view.memory.lots[lot], view.fresh
    gates_s = view.until_s(f"gates/{lot}", fresh.gate_s) - fresh.gate_s
    camera_s = view.now_s if view.assume_alive and state.camera_s else state.camera_s or 0.0
    sources = {
        "gates": (gates_s, fresh.gate_s),
        "camera": (camera_s, fresh.camera_s),
        "set": (state.set_s or 0.0, fresh.button_s),
    }
    kept = {name: s for name, s in sources.items() if sum(s) > view.now_s}
    seen_s = max((seen_s for seen_s, _ in kept.values()), default=0.0)
    return "+".join(kept), seen_s, max(map(sum, kept.values()), default=0.0)


def zone_result(view: View, zone: str) -> ZoneResult:
    """One waiting zone; people who are seen in it are told even after hours.

    A doorway sees nobody in it: after hours what it has missed all day is no news.
    """
    table, state = view.house.zones[zone], view.memory.zones[zone]
    is_open = within(view.plan.office, view.now_s)
    seen_s, until_s = view.zone_span_s(zone)
    if until_s > view.now_s and (is_open or state.basis != "doorway"):
        is_over = state.over_since_s(view.now_s) is not None
        return ZoneResult(
            at=view.now,
            observed_at=time_of(seen_s),
            valid_until=time_of(until_s),
            state="open",
            people=state.people,
            capacity=table.capacity,
            level=4 if is_over else level_of(state.people, table.capacity),
            over=is_over,
            basis=state.basis,
        )
    return ZoneResult(
        at=view.now,
        valid_until=time_of(view.plan.edge_after(view.plan.office, view.now_s)),
        state="no_data" if is_open else "closed",
        capacity=table.capacity,
    )
