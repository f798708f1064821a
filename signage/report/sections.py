"""The parts of the report: a sentence, its pictures, its tables. Each says only what is known."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from markupsafe import Markup

from models.report.chance import Versus
from models.report.change import Changed, Effect
from models.report.faults import Unknown
from models.report.level import Level
from models.report.month import Month
from models.report.staffing import Group, Staffing
from models.report.waits import Heat, Waits
from signage.report import charts
from signage.report.tables import Table, Value, rounded
from signage.report.words import ReportWords

_WHENS = ("before", "year")
_DARK_S = 600.0  # shorter waits are not dark, however short all are


class Panel(msgspec.Struct, frozen=True):
    """One picture with its heading, and a remark on it."""

    title: str
    picture: Markup
    note: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part. `says` is what it means, `how` how to read the pictures."""

    key: str
    title: str
    says: tuple[str, ...]
    how: str = ""
    panels: tuple[Panel, ...] = ()
    tables: tuple[Table, ...] = ()


class Tile(msgspec.Struct, frozen=True):
    """One figure at a glance."""

    name: str
    value: str
    note: str


class Sections:
    """All parts of one month in one language."""

    def __init__(self, month: Month, words: ReportWords) -> None:
        self._month = month
        self._words = words
        site = month.site
        self._services = {s.id: words.name(s.name, s.id) for s in site.services}
        self._lots = {s.id: words.name(s.name, s.id) for s in site.lots}
        self._zones = {s.id: words.name(s.name, s.id) for s in site.zones}
        self._devices = {s.id: words.name(s.name, s.id) for s in site.devices}

    def all(self) -> list[Section]:
        """In the order of the report."""
        parts = (
            *self._waits(), *self._heats(), *self._lots_full(), *self._levels(), *self._fates(),
            *self._staffing(), *self._truths(), *self._faults(), *self._changed(),
        )  # fmt: skip
        return list(parts)

    def tiles(self) -> list[Tile]:
        """What is told at a glance."""
        words, month = self._words, self._month
        tiles = []
        issued = sum(one.issued for one in month.fates)
        if issued:
            each = words.number(issued / max(one.days for one in month.fates))
            tiles.append(
                Tile(
                    words("tile.tickets"),
                    words("unit.people", n=words.number(issued)),
                    words("tile.a_day", n=each),
                )
            )
        worst = max(month.waits, key=lambda one: one.median_s, default=None)
        if worst is not None:
            tiles.append(
                Tile(words("tile.wait"), words.min(worst.median_s), self._services[worst.service])
            )
        for lot in month.lots:
            name = words("tile.full") if len(month.lots) == 1 else self._lots[lot.lot]
            note = words("tile.full_days", count=lot.full_days, known=lot.known_days)
            tiles.append(Tile(name, words.hours(lot.full_h), note))
        tickets = next((one for one in month.levels if one.what == "tickets"), None)
        if tickets is not None:
            was = tickets.before
            note = (
                words("tile.no_before")
                if was is None
                else words("tile.before", value=words.number(was.before, 2))
            )
            tiles.append(Tile(words("tile.level"), words.number(tickets.gini, 2), note))
        if month.unknowns:
            share = _unknown_share(month.unknowns)
            tiles.append(
                Tile(words("tile.unknown"), words.share(share, 1), words("tile.unknown_note"))
            )
        return tiles

    # ── waits ─────────────────────────────────────────────────────────────────────────────────

    def _waits(self) -> Iterator[Section]:
        words, listed = self._words, self._month.waits
        if not listed:
            return
        most_s = max(v for one in listed for v in _longs(one))
        panels = [
            Panel(
                self._services[one.service],
                charts.bars(
                    [
                        (words.short_month(self._month.month.first), one.median_s, one.long_s),
                        (
                            words.short_month(self._month.before.first),
                            one.before.before if one.before else None,
                            one.before_long_s,
                        ),
                        (
                            words("month.last_year"),
                            one.year.before if one.year else None,
                            one.year_long_s,
                        ),
                    ],
                    most_s,
                    words,
                    words("waits.picture", name=self._services[one.service]),
                ),
                "" if one.source == "tickets" else words("waits.told"),
            )
            for one in listed
        ]
        worst = max(listed, key=lambda one: one.median_s)
        says: list[str] = [
            words(
                "waits.says",
                name=self._services[worst.service],
                median=words.min(worst.median_s),
                long=words.min(worst.long_s),
                days=words.days(worst.days),
            )
        ]
        for when in _WHENS:
            says += self._compared(listed, when)
        rows = tuple(
            (
                self._services[one.service], one.days, one.count,
                _min(one.median_s), _min(one.long_s),
                _min(one.before.before if one.before else None), _min(one.before_long_s),
                _min(one.year.before if one.year else None), _min(one.year_long_s),
            )
            for one in listed
        )  # fmt: skip
        yield Section(
            key="waits",
            title=words("waits.title"),
            says=tuple(says),
            how=words("waits.how"),
            panels=tuple(panels),
            tables=(self._table("waits", rows),),
        )

    def _compared(self, listed: Sequence[Waits], when: str) -> Iterator[str]:
        """Which services were longer or shorter than then, in one sentence each."""
        words = self._words
        by: dict[str, list[str]] = {}
        days = 0
        for one in listed:
            against = one.before if when == "before" else one.year
            days = max(days, against.days if against else 0)
            verdict = "none" if against is None else against.verdict
            by.setdefault(verdict, []).append(self._services[one.service])
        if by.keys() == {"none"}:
            yield words(f"waits.{when}.none")
            return
        for verdict in ("less", "more", "same", "unsure"):
            if verdict in by:
                is_all = len(by[verdict]) == len(listed)
                names = words("list.all") if is_all else words.listed(by[verdict])
                yield words(f"waits.{when}.{verdict}", names=names, days=words.days(days))

    def _heats(self) -> Iterator[Section]:
        words, heats = self._words, self._month.heats
        if not heats:
            return
        peaks = [(heat, at) for heat in heats if (at := heat.most()) is not None]
        heat, at = max(peaks, key=lambda one: one[0].cells[one[1]].value)
        cell = heat.cells[at]
        says = words(
            "heat.says",
            name=self._services[heat.name],
            weekday=words.weekday_name(at[0]),
            hour=words.hour_of(at[1]),
            wait=words.min(cell.value),
            days=words.days(cell.days),
        )
        yield Section(
            key="heat",
            title=words("heat.title"),
            says=(says,),
            how=words("heat.how"),
            panels=tuple(self._heat_panel(one, max(cell.value, _DARK_S)) for one in heats),
            tables=tuple(self._heat_table(one, self._services, "heat", 60) for one in heats),
        )

    def _heat_panel(self, heat: Heat, darkest_s: float) -> Panel:
        """All services on one scale: what is dark here is as long there."""
        words, name = self._words, self._services[heat.name]
        picture = charts.heat_map(
            heat, words, words("heat.picture", name=name), darkest=darkest_s, unit=60.0
        )
        return Panel(name, picture)

    def _heat_table(self, heat: Heat, names: Mapping[str, str], key: str, unit: float) -> Table:
        words = self._words
        rows: list[tuple[Value, ...]] = [
            (
                words.weekday_name(day),
                *(
                    rounded(cell.value / unit) if (cell := heat.cells.get((day, hour))) else None
                    for hour in heat.hours
                ),
                max(cell.days for at, cell in heat.cells.items() if at[0] == day),
            )
            for day in heat.weekdays
        ]
        return Table(
            key=f"{key}-{heat.name}",
            title=words(f"table.{key}", name=names[heat.name]),
            head=(
                words("column.weekday"), *(f"{hour}:00" for hour in heat.hours),
                words("column.days"),
            ),
            rows=tuple(rows),
        )  # fmt: skip

    # ── the car park ──────────────────────────────────────────────────────────────────────────

    def _lots_full(self) -> Iterator[Section]:
        words, lots = self._words, self._month.lots
        if not lots:
            return
        says: list[str] = []
        panels, tables = [], []
        for lot in lots:
            name = self._lots[lot.lot]
            says.append(
                words(
                    "parking.says",
                    name=name,
                    full=words.hours(lot.full_h),
                    days=words.days(lot.full_days),
                    long=words.days(lot.long_days),
                    known=words.days(lot.known_days),
                )
            )
            says += self._against(lot.before, lot.year, words.hours, "parking.a_day")
            panels += [
                Panel(
                    words("parking.days", name=name),
                    charts.full_hours(
                        lot, self._month.month, words, words("parking.days", name=name)
                    ),
                ),
                Panel(
                    words("parking.parked", name=name),
                    charts.heat_map(
                        lot.parked,
                        words,
                        words("parking.parked", name=name),
                        darkest=1.0,
                        unit=0.01,
                    ),
                ),
            ]
            rows = tuple(
                (
                    words.date(day.day),
                    rounded(day.full_h, 2) if day.known_h else None,
                    rounded(day.known_h, 2),
                    rounded(day.open_h, 2),
                )
                for day in lot.days
            )
            table = self._table("parking", rows, name)
            tables.append(msgspec.structs.replace(table, key=f"parking-{lot.lot}"))
            tables.append(self._heat_table(lot.parked, self._lots, "parked", 0.01))
        yield Section(
            key="parking",
            title=words("parking.title"),
            says=tuple(says),
            how=words("parking.how"),
            panels=tuple(panels),
            tables=tuple(tables),
        )

    def _against(
        self,
        before: Versus | None,
        year: Versus | None,
        said: Callable[[float], str],
        unit: str = "",
    ) -> Iterator[str]:
        """This month beside the last one and last year's, as far as that can be told apart."""
        words = self._words
        for when, against in zip(_WHENS, (before, year), strict=True):
            if against is None:
                yield words(f"compare.{when}.none")
                continue
            value = said(against.before)
            yield words(
                f"compare.{when}",
                was=words(unit, value=value) if unit else value,
                days=words.days(against.days),
                tail=words(f"compare.{against.verdict}"),
            )

    # ── levelling ─────────────────────────────────────────────────────────────────────────────

    def _levels(self) -> Iterator[Section]:
        words, listed = self._words, self._month.levels
        if not listed:
            return
        first = listed[0]
        says = [
            words(
                "level.says",
                name=self._level_name(first),
                gini=words.number(first.gini, 2),
                half=words.half(first.peak_half),
                peak=words.number(first.peak, 2),
                days=words.days(first.days),
            ),
            *self._against(first.before, first.year, lambda v: words.number(v, 2)),
        ]
        if first.days_peak is not None and first.days_gini is not None:
            says.append(
                words(
                    "level.days",
                    day=words.date(first.busiest),
                    peak=words.number(first.days_peak, 2),
                    gini=words.number(first.days_gini, 2),
                )
            )
        rows = tuple(
            (
                self._level_name(one), one.days, rounded(one.gini, 3),
                rounded(one.around.low if one.around else None, 3),
                rounded(one.around.high if one.around else None, 3),
                rounded(one.before.before if one.before else None, 3),
                rounded(one.year.before if one.year else None, 3),
                rounded(one.peak, 2), words.half(one.peak_half),
                rounded(one.days_gini, 3), rounded(one.days_peak, 2),
            )
            for one in listed
        )  # fmt: skip
        yield Section(
            key="level",
            title=words("level.title"),
            says=tuple(says),
            how=words("level.how", month=words.short_month(self._month.before.first)),
            panels=tuple(
                Panel(
                    self._level_name(one),
                    charts.profile(one, words, words("level.picture", name=self._level_name(one))),
                    words(
                        "level.note",
                        gini=words.number(one.gini, 2),
                        peak=words.number(one.peak, 2),
                    ),
                )
                for one in listed
            ),
            tables=(self._table("level", rows), *(self._profile_table(one) for one in listed)),
        )

    def _profile_table(self, level: Level) -> Table:
        words = self._words
        return Table(
            key=f"profile-{level.name or level.what}",
            title=words("table.profile", name=self._level_name(level)),
            head=(words("column.half"), words("column.now"), words("column.before")),
            rows=tuple(
                (words.half(half), rounded(value), rounded(level.before_profile.get(half)))
                for half, value in level.profile.items()
            ),
        )

    def _level_name(self, level: Level) -> str:
        if level.what == "tickets":
            return self._words("level.tickets")
        if level.what == "lot":
            return self._words("level.lot", name=self._lots[level.name])
        return self._words("level.zone", name=self._zones[level.name])

    # ── tickets ───────────────────────────────────────────────────────────────────────────────

    def _fates(self) -> Iterator[Section]:
        words = self._words
        listed = [one for one in self._month.fates if one.called]
        if not listed:
            return
        named = [(self._services[one.service], one) for one in listed]
        called, absent = (sum(getattr(o, k) for o in listed) for k in ("called", "absent"))
        worst = max(listed, key=lambda one: one.absent_share)
        if absent:
            says = [
                words(
                    "fates.says",
                    called=words.number(called),
                    absent=words.number(absent),
                    share=words.share(absent / called),
                    name=self._services[worst.service],
                    most=words.share(worst.absent_share),
                    days=words.days(max(one.days for one in listed)),
                )
            ]
        else:
            says = [words("fates.none", called=words.number(called))]
        changes = [
            (self._services[one.service], one.before.verdict) for one in listed if one.before
        ]
        for verdict in ("less", "more"):
            names = [name for name, each in changes if each == verdict]
            if names:
                says.append(words(f"fates.before.{verdict}", names=words.listed(names)))
        if changes and not any(verdict in {"less", "more"} for _, verdict in changes):
            says.append(words("fates.before.same"))
        rows = tuple(
            (
                name, one.days, one.issued, one.called, one.came, one.absent, one.cancelled,
                one.never_called, rounded(100 * one.absent_share),
                rounded(100 * one.before.before if one.before else None),
            )
            for name, one in named
        )  # fmt: skip
        yield Section(
            key="fates",
            title=words("fates.title"),
            says=tuple(says),
            how=words("fates.how"),
            panels=(
                Panel(
                    words("fates.picture"),
                    charts.absences(named, words, words("fates.picture")),
                ),
            ),
            tables=(self._table("fates", rows),),
        )

    # ── staffing ──────────────────────────────────────────────────────────────────────────────

    def _staffing(self) -> Iterator[Section]:
        words, found = self._words, self._month.staffing
        if found is None:
            if self._month.fates:
                yield Section(
                    key="staffing",
                    title=words("staffing.title"),
                    says=(words("staffing.unknown"),),
                )
            return
        group = max(found.groups, key=lambda one: one.worst().needed - one.worst().open)
        worst = group.worst()
        says = [
            words(
                "staffing.says" if worst.needed > worst.open else "staffing.enough",
                name=self._group(group),
                half=words.half(worst.half),
                needed=words.number(worst.needed, 1),
                open=words.number(worst.open, 1),
                days=words.days(found.days),
            ),
            *self._one_more(found),
        ]
        panels = [
            Panel(
                self._group(one),
                charts.clerks(one, words, words("staffing.picture", name=self._group(one))),
            )
            for one in found.groups
        ]
        if found.saved is not None:
            title = words(
                "clerk.title",
                name=self._services[found.saved.service],
                hour=words.hour_of(found.saved.hour),
            )
            panels.append(Panel(title, charts.one_more(found.saved, words, title)))
        yield Section(
            key="staffing",
            title=words("staffing.title"),
            says=tuple(says),
            how=words("staffing.how"),
            panels=tuple(panels),
            tables=(*(self._staff_table(one) for one in found.groups), self._clerk_table(found)),
        )

    def _one_more(self, found: Staffing) -> Iterator[str]:
        words, saved, check = self._words, found.saved, found.check
        checked = {
            "measured": words.min(check.measured_s),
            "played": words.min(check.played_s),
            "ticket": words.min(check.ticket_s),
        }
        if not check.is_close:
            yield words("clerk.unlike", **checked)
            return
        if saved is None:
            yield words("clerk.nothing", **checked)
            return
        yield words(
            "clerk.says",
            name=self._services[saved.service],
            hour=words.hour_of(saved.hour),
            was=words.min(saved.median_s),
            now=words.min(saved.median_with_s),
            hours=words.hours(saved.hours),
            low=words.number(saved.hours_range.low),
            high=words.number(saved.hours_range.high),
        )
        yield words("clerk.check", **checked)

    def _group(self, group: Group) -> str:
        return self._words("list.shared").join(self._services[one] for one in group.services)

    def _staff_table(self, group: Group) -> Table:
        words = self._words
        return Table(
            key=f"staffing-{group.services[0]}",
            title=words("table.staffing", name=self._group(group)),
            head=(words("column.half"), words("column.needed"), words("column.open")),
            rows=tuple(
                (words.half(one.half), rounded(one.needed, 2), rounded(one.open, 2))
                for one in group.halves
            ),
        )

    def _clerk_table(self, found: Staffing) -> Table:
        saved, check = found.saved, found.check
        words = self._words
        rows: list[tuple[Value, ...]] = [
            (words("clerk.measured"), _min(check.measured_s)),
            (words("clerk.played"), _min(check.played_s)),
            (words("clerk.ticket"), rounded(check.ticket_s / 60, 2)),
        ]
        if saved is not None:
            rows += [
                (words("clerk.median"), _min(saved.median_s)),
                (words("clerk.median_with"), _min(saved.median_with_s)),
                (words("clerk.long"), _min(saved.long_s)),
                (words("clerk.long_with"), _min(saved.long_with_s)),
                (words("clerk.hours"), rounded(saved.hours)),
                (words("clerk.hours_low"), rounded(saved.hours_range.low)),
                (words("clerk.hours_high"), rounded(saved.hours_range.high)),
                (words("clerk.absent"), rounded(saved.absent)),
            ]
        return self._table("clerk", tuple(rows))

    # ── how true, and what was not seen ───────────────────────────────────────────────────────

    def _truths(self) -> Iterator[Section]:
        words, listed = self._words, self._month.truths
        if not listed:
            return
        named = [(self._services[one.service], one) for one in listed]
        count = sum(one.count for one in listed)
        error_s = sum(one.error_s * one.count for one in listed) / count
        within = sum(one.within * one.count for one in listed) / count
        says = [
            words(
                "truth.says",
                count=words.number(count),
                error=words.min(error_s),
                share=words.share(within),
                days=words.days(max(one.days for one in listed)),
            )
        ]
        rows = tuple(
            (
                name, one.days, one.count, _min(one.error_s), _min(one.came_s),
                rounded(100 * one.within),
                _min(one.before.before if one.before else None),
            )
            for name, one in named
        )  # fmt: skip
        yield Section(
            key="truth",
            title=words("truth.title"),
            says=tuple(says),
            how=words("truth.how"),
            panels=(
                Panel(words("truth.picture"), charts.held(named, words, words("truth.picture"))),
            ),
            tables=(self._table("truth", rows),),
        )

    def _faults(self) -> Iterator[Section]:
        words, month = self._words, self._month
        if not month.unknowns:
            return
        names = {"service": self._services, "lot": self._lots, "zone": self._zones}
        unknown = [(names[one.what][one.name], one) for one in month.unknowns]
        silent = [(self._devices[one.device], one) for one in month.silences]
        says = [words("faults.says", share=words.share(_unknown_share(month.unknowns), 1))]
        never = [name for name, one in silent if not one.was_heard]
        worst = max(
            (one for one in silent if one[1].was_heard),
            key=lambda one: one[1].silent_h,
            default=None,
        )
        if worst is not None and worst[1].silent_h >= 1:
            says.append(
                words(
                    "faults.worst",
                    name=worst[0],
                    hours=words.hours(worst[1].silent_h),
                    open=words.hours(worst[1].open_h),
                )
            )
        elif worst is not None:
            says.append(words("faults.fine"))
        if never:
            says.append(words("faults.never", names=words.listed(never)))
        gaps = sum(one.gaps for _, one in silent)
        if gaps:
            says.append(words("faults.gaps", count=gaps))
        panels = [
            Panel(
                words("faults.unknown"),
                charts.unknown_bars(
                    [(name, one.share) for name, one in unknown], words, words("faults.unknown")
                ),
            )
        ]
        if silent:
            panels.append(
                Panel(
                    words("faults.silent"),
                    charts.silent_days(silent, month.month, words("faults.silent")),
                )
            )
        yield Section(
            key="faults",
            title=words("faults.title"),
            says=tuple(says),
            how=words("faults.how"),
            panels=tuple(panels),
            tables=(
                self._table(
                    "unknown",
                    tuple(
                        (
                            name,
                            rounded(one.unknown_h),
                            rounded(one.open_h),
                            rounded(100 * one.share),
                        )
                        for name, one in unknown
                    ),
                ),
                self._table(
                    "silent",
                    tuple(
                        (
                            name,
                            rounded(one.silent_h),
                            rounded(one.open_h),
                            one.gaps,
                        )
                        for name, one in silent
                    ),
                ),
            ),
        )

    # ── before and after ──────────────────────────────────────────────────────────────────────

    def _changed(self) -> Iterator[Section]:
        words, found = self._words, self._month.changed
        if found is None:
            return
        title = words("changed.title", day=words.full_date(found.day))
        if not found.effects:
            yield Section(key="changed", title=title, says=(words("changed.unknown"),))
            return
        named = [(self._measure(one), one) for one in found.effects]
        yield Section(
            key="changed",
            title=title,
            says=(*self._effects(found), words("changed.proof")),
            how=words("changed.how"),
            panels=(
                Panel(
                    words("changed.picture"),
                    charts.effects(named, words, words("changed.picture")),
                ),
            ),
            tables=(
                self._table(
                    "changed",
                    tuple(
                        (
                            name, *self._values(one), one.days_before, one.days_after,
                            one.unmatched,
                        )
                        for name, one in named
                    ),
                ),
            ),
        )  # fmt: skip

    def _effects(self, found: Changed) -> Iterator[str]:
        words = self._words
        yield words(
            "changed.says",
            before=words.days(max(one.days_before for one in found.effects)),
            after=words.days(max(one.days_after for one in found.effects)),
        )
        for one in found.effects:
            values = [self._value(one, value) for value in (one.before, one.after)]
            yield words(
                f"changed.{one.verdict}", name=self._measure(one), was=values[0], now=values[1]
            )

    def _measure(self, one: Effect) -> str:
        key = f"changed.of.{one.measure}"
        return self._words(key, name=self._lots.get(one.name, ""))

    def _value(self, one: Effect, value: float) -> str:
        words = self._words
        if one.measure == "wait":
            return words.min(value)
        if one.measure == "full":
            return words.hours(value)
        return words.share(value, 1) if one.measure == "absent" else words.number(value, 2)

    def _values(self, one: Effect) -> tuple[Value, ...]:
        unit = {"wait": 1 / 60, "full": 1.0, "level": 1.0, "absent": 100.0}[one.measure]
        low, high = (one.range.low, one.range.high) if one.range else (None, None)
        return tuple(
            None if value is None else rounded(value * unit, 2)
            for value in (one.before, one.after, one.difference, low, high)
        )

    def _table(self, key: str, rows: tuple[tuple[Value, ...], ...], name: str = "") -> Table:
        words = self._words
        head = tuple(str(words("head." + key)).split("|"))
        return Table(key=key, title=words("table." + key, name=name), head=head, rows=rows)


def _min(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 1)


def _longs(one: Waits) -> Iterator[float]:
    yield from (v for v in (one.long_s, one.before_long_s, one.year_long_s) if v is not None)


def _unknown_share(unknowns: Sequence[Unknown]) -> float:
    open_h = sum(one.open_h for one in unknowns)
    return sum(one.unknown_h for one in unknowns) / open_h if open_h else 0.0
