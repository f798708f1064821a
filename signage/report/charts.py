"""Which picture tells which figure. All are legible in grey and as wide as a phone."""

from collections.abc import Sequence

from markupsafe import Markup

from models.report.change import Effect
from models.report.faults import Silence
from models.report.level import Level
from models.report.parking import LotMonth
from models.report.plan import Span
from models.report.staffing import Group, Saved
from models.report.tickets import PROMISED, Fates, Truth
from models.report.waits import Heat
from signage.report.drawing import (
    BEFORE,
    INK,
    LINE,
    NOW,
    SOFT,
    STEPS,
    WARN,
    WASH,
    WIDE,
    YEAR,
    Drawing,
    fitted,
    on_step,
    step_of,
    ticks,
    width_of,
)
from signage.report.words import ReportWords

COLOURS = (NOW, BEFORE, YEAR)
_SMALL = 10
_NAMES = 150.0
_HALF = 0.5


def bars(
    rows: Sequence[tuple[str, float | None, float | None]],
    most: float,
    words: ReportWords,
    label: str,
    colours: Sequence[str] = COLOURS,
) -> Markup:
    """Median and nine in ten, in seconds, one row each: a bar, and a line beyond it."""
    left, right, high = 92.0, WIDE - 70.0, 24.0
    drawing = Drawing(high * len(rows) + 22)
    scale = ticks(most / 60, 5)
    unit = (right - left) / scale[-1]
    for tick in scale:
        x = left + tick * unit
        drawing.line((x, 2), (x, high * len(rows) + 4))
        drawing.text(
            (x, high * len(rows) + 17),
            words.number(tick),
            colour=SOFT,
            anchor="middle",
            size=_SMALL,
        )
    drawing.text(
        (WIDE, high * len(rows) + 17), words("unit.minutes"), colour=SOFT, anchor="end", size=_SMALL
    )
    for i, (name, median_s, long_s) in enumerate(rows):
        y = 4 + i * high
        drawing.text((left - 6, y + 14), fitted(name, left - 8), anchor="end", bold=not i)
        if median_s is None or long_s is None:
            drawing.text((left + 4, y + 14), words("unknown.short"), colour=SOFT)
            continue
        x, end = left + median_s / 60 * unit, left + long_s / 60 * unit
        drawing.line((x, y + 10), (end, y + 10), SOFT, 2)
        drawing.line((end, y + 4), (end, y + 16), SOFT, 2)
        drawing.rect((left, y + 2), (x - left, 16), colours[i], SOFT if colours[i] == YEAR else "")
        said = words("chart.two", one=words.minutes(median_s), two=words.minutes(long_s))
        drawing.text((WIDE, y + 14), said, anchor="end", bold=not i)
    return drawing.svg(label)


def heat_map(
    heat: Heat, words: ReportWords, label: str, *, darkest: float, unit: float = 1.0
) -> Markup:
    """Weekdays below each other, hours beside each other, each with its mean in such units."""
    left, top, high = 30.0, 16.0, 24.0
    wide = (WIDE - left) / max(len(heat.hours), 1)
    drawing = Drawing(top + high * len(heat.weekdays) + 2)
    for i, hour in enumerate(heat.hours):
        x = left + (i + 0.5) * wide
        drawing.text((x, top - 5), str(hour), colour=SOFT, anchor="middle", size=_SMALL)
    for row, weekday in enumerate(heat.weekdays):
        y = top + row * high
        drawing.text((left - 6, y + 16), words.weekday_name(weekday), anchor="end")
        for i, hour in enumerate(heat.hours):
            cell = heat.cells.get((weekday, hour))
            at = left + i * wide
            if cell is None:
                continue
            step = step_of(cell.value / darkest)
            drawing.rect((at + 0.5, y + 0.5), (wide - 1, high - 1), STEPS[step])
            value = cell.value / unit
            drawing.text(
                (at + wide / 2, y + 16), words.number(value), colour=on_step(step), anchor="middle"
            )
    return drawing.svg(label)


def full_hours(lot: LotMonth, month: Span, words: ReportWords, label: str) -> Markup:
    """Hours full by the days of the month; shut days and unknown ones are marked."""
    left, right, top, bottom = 30.0, WIDE - 4.0, 8.0, 120.0
    drawing = Drawing(bottom + 33)
    by_day = {day.day: day for day in lot.days}
    scale = ticks(max([day.full_h for day in lot.days] + [1.0]))
    unit = (bottom - top) / scale[-1]
    for tick in scale:
        y = bottom - tick * unit
        drawing.line((left, y), (right, y))
        drawing.text(
            (left - 5, y + 4),
            words.number(tick, 0 if tick == int(tick) else 1),
            colour=SOFT,
            anchor="end",
            size=_SMALL,
        )
    days = list(month.days())
    wide = (right - left) / len(days)
    for i, day in enumerate(days):
        x = left + i * wide
        seen = by_day.get(day)
        if seen is None:
            drawing.rect((x, top), (wide, bottom - top), WASH)
        elif not seen.known_h:
            drawing.text((x + wide / 2, bottom - 4), "?", colour=SOFT, anchor="middle")
        else:
            drawing.rect((x + 1, bottom - seen.full_h * unit), (wide - 2, seen.full_h * unit), NOW)
        if day.day == 1 or day.day % 5 == 0:
            drawing.text(
                (x + wide / 2, bottom + 14), str(day.day), colour=SOFT, anchor="middle", size=_SMALL
            )
    drawing.line((left, bottom), (right, bottom), SOFT)
    drawing.rect((left, bottom + 20), (9, 9), WASH, LINE)
    drawing.text((left + 13, bottom + 28), words("parking.shut"), colour=SOFT, size=_SMALL)
    return drawing.svg(label)


def profile(level: Level, words: ReportWords, label: str) -> Markup:
    """Half hours of the mean day, their mean, and last month's."""
    left, right, top, bottom = 30.0, WIDE - 4.0, 8.0, 120.0
    drawing = Drawing(bottom + 18)
    halves = list(level.profile)
    values = [*level.profile.values(), *level.before_profile.values()]
    scale = ticks(max(values))
    unit = (bottom - top) / scale[-1]
    first, count = halves[0], halves[-1] - halves[0] + 1
    wide = (right - left) / count
    for tick in scale:
        y = bottom - tick * unit
        drawing.line((left, y), (right, y))
        drawing.text(
            (left - 5, y + 4),
            words.number(tick, 0 if tick == int(tick) else 1),
            colour=SOFT,
            anchor="end",
            size=_SMALL,
        )
    for half, value in level.profile.items():
        x = left + (half - first) * wide
        fill = NOW if half == level.peak_half else STEPS[3]
        drawing.rect((x + 1, bottom - value * unit), (wide - 2, value * unit), fill)
    _hours(drawing, first, count, (left, bottom + 14), wide)
    points = []
    for half, value in level.before_profile.items():
        x, y = left + (half - first) * wide, bottom - value * unit
        if left <= x < right:
            points += [(x, y), (x + wide, y)]
    if points:
        drawing.path(points, WARN, 2, "4 2")
    mean = sum(level.profile.values()) / len(level.profile)
    drawing.line((left, bottom - mean * unit), (right, bottom - mean * unit), INK, 1.2)
    drawing.line((left, bottom), (right, bottom), SOFT)
    return drawing.svg(label)


def _hours(drawing: Drawing, first: int, count: int, at: tuple[float, float], wide: float) -> None:
    for half in range(first, first + count):
        if half % 4 == 0:
            x = at[0] + (half - first) * wide
            drawing.text((x, at[1]), str(half // 2), colour=SOFT, anchor="middle", size=_SMALL)


def absences(listed: Sequence[tuple[str, Fates]], words: ReportWords, label: str) -> Markup:
    """Who did not come, of those called: this month, and thin below it last month."""
    left, right, high = _left(listed), WIDE - 46.0, 30.0
    drawing = Drawing(high * len(listed) + 20)
    befores = [one.before.before if one.before else None for _, one in listed]
    most = max([0.05, *(one.absent_share for _, one in listed), *(b for b in befores if b)])
    scale = [tick / 100 for tick in ticks(100 * most)]
    unit = (right - left) / scale[-1]
    bottom = high * len(listed) + 2
    for tick in scale:
        x = left + tick * unit
        drawing.line((x, 2), (x, bottom))
        drawing.text(
            (x, bottom + 13), _percent(tick, words), colour=SOFT, anchor="middle", size=_SMALL
        )
    for i, ((name, one), before) in enumerate(zip(listed, befores, strict=True)):
        y = 4 + i * high
        drawing.text((left - 6, y + 12), fitted(name, left - 8), anchor="end")
        drawing.rect((left, y + 1), (one.absent_share * unit, 14), NOW)
        if before is not None:
            drawing.rect((left, y + 16), (before * unit, 6), BEFORE)
        drawing.text((WIDE, y + 12), words.share(one.absent_share, 1), anchor="end", bold=True)
    return drawing.svg(label)


def clerks(group: Group, words: ReportWords, label: str) -> Markup:
    """Work that comes, counted in clerks, and the counters that were open."""
    left, right, top, bottom = 30.0, WIDE - 4.0, 8.0, 110.0
    drawing = Drawing(bottom + 18)
    scale = ticks(max(max(one.needed, one.open) for one in group.halves) + 0.2, 3)
    unit = (bottom - top) / scale[-1]
    first = group.halves[0].half
    count = group.halves[-1].half - first + 1
    wide = (right - left) / count
    for tick in scale:
        y = bottom - tick * unit
        drawing.line((left, y), (right, y))
        drawing.text(
            (left - 5, y + 4),
            words.number(tick, 0 if tick == int(tick) else 1),
            colour=SOFT,
            anchor="end",
            size=_SMALL,
        )
    points = []
    for one in group.halves:
        x, y = left + (one.half - first) * wide, bottom - one.open * unit
        points += [(x, y), (x + wide, y)]
        met = min(one.needed, one.open)
        drawing.rect((x + 1, bottom - met * unit), (wide - 2, met * unit), STEPS[2])
        over = one.needed - met
        if over > 0:
            drawing.rect((x + 1, bottom - one.needed * unit), (wide - 2, over * unit), NOW)
    drawing.path(points, WARN, 2.5)
    _hours(drawing, first, count, (left, bottom + 14), wide)
    drawing.line((left, bottom), (right, bottom), SOFT)
    return drawing.svg(label)


def one_more(saved: Saved, words: ReportWords, label: str) -> Markup:
    """Waits as they were, and with one more clerk."""
    rows = [
        (words("clerk.was"), saved.median_s, saved.long_s),
        (words("clerk.with"), saved.median_with_s, saved.long_with_s),
    ]
    return bars(rows, saved.long_s, words, label, (BEFORE, NOW))


def held(listed: Sequence[tuple[str, Truth]], words: ReportWords, label: str) -> Markup:
    """How many of the told ranges came true, beside what is promised."""
    left, right, high = _left(listed), WIDE - 46.0, 24.0
    drawing = Drawing(high * len(listed) + 22)
    lowest = 0.0 if min(one.within for _, one in listed) < _HALF else _HALF

    def x(share: float) -> float:
        return left + (share - lowest) / (1 - lowest) * (right - left)

    bottom = high * len(listed) + 4
    for share in (lowest, 1.0):
        drawing.line((x(share), 2), (x(share), bottom))
        drawing.text(
            (x(share), bottom + 13), words.share(share), colour=SOFT, anchor="middle", size=_SMALL
        )
    drawing.line((x(PROMISED), 0), (x(PROMISED), bottom), WARN, 2, "4 2")
    drawing.text(
        (x(PROMISED), bottom + 13),
        words.share(PROMISED),
        colour=WARN,
        anchor="middle",
        size=_SMALL,
        bold=True,
    )
    for i, (name, one) in enumerate(listed):
        y = 14 + i * high
        drawing.text((left - 6, y + 4), fitted(name, left - 8), anchor="end")
        drawing.line((x(lowest), y), (x(one.within), y), STEPS[3], 4)
        drawing.dot((x(one.within), y), NOW, 5)
        drawing.text((WIDE, y + 4), words.share(one.within), anchor="end", bold=True)
    return drawing.svg(label)


def silent_days(listed: Sequence[tuple[str, Silence]], month: Span, label: str) -> Markup:
    """Devices below each other, days beside each other, dark where one was silent."""
    left, top, high = _left(listed), 16.0, 20.0
    days = list(month.days())
    wide = (WIDE - left) / len(days)
    drawing = Drawing(top + high * len(listed) + 2)
    for i, day in enumerate(days):
        if day.day == 1 or day.day % 5 == 0:
            drawing.text(
                (left + (i + 0.5) * wide, top - 5),
                str(day.day),
                colour=SOFT,
                anchor="middle",
                size=_SMALL,
            )
    for row, (name, one) in enumerate(listed):
        y = top + row * high
        drawing.text((left - 6, y + 14), fitted(name, left - 8), anchor="end")
        for i, day in enumerate(days):
            share = one.days.get(day)
            if share is not None:
                step = 0 if not share else max(step_of(share), 3)
                fill = STEPS[1] if not share else STEPS[step]
                drawing.rect((left + i * wide + 0.5, y + 2), (wide - 1, high - 4), fill)
    return drawing.svg(label)


def unknown_bars(listed: Sequence[tuple[str, float]], words: ReportWords, label: str) -> Markup:
    """The share of the open hours of which nothing could be told."""
    left, right, high = _left(listed), WIDE - 46.0, 22.0
    drawing = Drawing(high * len(listed) + 20)
    most = max([0.05, *(share for _, share in listed)])
    scale = [tick / 100 for tick in ticks(100 * most, 3)]
    for tick in scale:
        x = left + (right - left) * tick / scale[-1]
        drawing.line((x, 2), (x, high * len(listed) + 4))
        drawing.text(
            (x, high * len(listed) + 16),
            _percent(tick, words),
            colour=SOFT,
            anchor="middle",
            size=_SMALL,
        )
    for i, (name, share) in enumerate(listed):
        y = 4 + i * high
        drawing.text((left - 6, y + 12), fitted(name, left - 8), anchor="end")
        drawing.rect((left, y + 2), ((right - left) * share / scale[-1], 13), NOW)
        drawing.text((WIDE, y + 12), words.share(share, 1), anchor="end", bold=True)
    return drawing.svg(label)


def effects(listed: Sequence[tuple[str, Effect]], words: ReportWords, label: str) -> Markup:
    """Changes as a share of what was before, with what chance alone could make of them."""
    left, right, high = 24.0, WIDE - 56.0, 40.0
    drawing = Drawing(high * len(listed) + 20)
    shares = [_share(one) for _, one in listed]
    most = max([0.1, *(abs(v) for one in shares for v in one)])
    reach = ticks(100 * most, 3)[-1] / 100

    def x(share: float) -> float:
        return left + (share / reach + 1) / 2 * (right - left)

    bottom = high * len(listed) + 2
    for i, ((name, one), (low, middle, top)) in enumerate(zip(listed, shares, strict=True)):
        y = 28 + i * high
        colour = NOW if one.verdict in {"less", "more"} else SOFT
        drawing.text((0, y - 12), fitted(name, WIDE))
        drawing.line((x(-reach), y), (x(reach), y))
        drawing.line((x(low), y), (x(top), y), colour, 3)
        for end in (low, top):
            drawing.line((x(end), y - 5), (x(end), y + 5), colour, 2)
        drawing.dot((x(middle), y), colour, 5)
        drawing.line((x(0), y - 8), (x(0), y + 8), INK)
        drawing.text((WIDE, y + 4), _signed(middle, words), anchor="end", bold=True)
    for share in (-reach, 0.0, reach):
        said = _signed(share, words)
        drawing.text((x(share), bottom + 13), said, colour=SOFT, anchor="middle", size=_SMALL)
    return drawing.svg(label)


def _left(listed: Sequence[tuple[str, object]]) -> float:
    """Room for the names of rows."""
    return min(max((width_of(name) for name, _ in listed), default=0.0) + 9.0, _NAMES)


def _percent(share: float, words: ReportWords) -> str:
    """On a scale: a tenth only where there is one."""
    return words.share(share, 0 if round(1000 * share) % 10 == 0 else 1)


def _share(one: Effect) -> tuple[float, float, float]:
    if not one.before:
        return 0.0, 0.0, 0.0
    low, high = (one.range.low, one.range.high) if one.range else (one.difference, one.difference)
    return low / one.before, one.difference / one.before, high / one.before


def _signed(share: float, words: ReportWords) -> str:
    said = words.share(abs(share))
    if said == words.share(0):
        return said
    return f"{'+' if share > 0 else '−'}{said}"
