"""How many cars are parked: gate pulses carry the count on, camera counts and people set it right.

Five things are estimated together, so that each corrects the others: the cars, the share of them
that the camera sees (for good, and today), and how many cars pass each gate unseen per pulse. The
last ones are learnt at night, when a lot that was open all day must be nearly empty again.

Source: the extended Kalman filter, e.g. Welch & Bishop (2006), TR 95-041; late pulses after
Bar-Shalom (2002), doi:10.1109/TAES.2002.1039398, in one dimension.
"""

import math

import msgspec

from models.contract.results import Free, Vacancy
from models.forecast.usual import SLOT_S, SLOTS, Now, Then, Usual

CARS, SHARE, TODAY, PAST_IN, PAST_OUT = range(5)
_START = (0.0, 0.96, 0.0, 0.0, 0.0)
"""Before anything is learnt: a camera misses more cars than it invents; a gate errs either way."""
_START_SD = (0.0, 0.02, 0.03, 0.004, 0.004)
_SHARES = (0.6, 1.1)  # what a camera can see of the cars that stand in its view

_CLOSE_S, _CLOSE_MOST = 0.5, 0.1  # who follows so soon is missed, but at most this share
_PULSE = 0.03  # cars^2 that a pulse adds: it may be missed, doubled, or the wrong way
_HOUR = 0.01  # share of the capacity that comes and goes unseen in an hour past gates ...
_HOUR_UNGATED = 0.16  # ... and where no gate counts at all
_TODAY_SD = 0.03  # of the share that a camera sees: angle, glare, lorries, for hours
_TODAY_S = 4 * 3600.0
_FADE = 0.95  # of what is learnt remains after a day
_COUNT = 0.002  # of the capacity: error of a machine that always counts every bay
_READ = 0.015  # share of the capacity by which one picture differs from the next
_SET_SD = 1.0  # cars: counted by hand
_NIGHT = (0.04, 0.03)  # share of the capacity that stays overnight, and its standard deviation
_GAP_PER_H = 0.3  # share of the capacity that may pass a dead gate in an hour
_PROMPT_S = 120.0  # a count so soon after the half hour is that of the half hour
_LEARNT = 0.1  # share of the capacity: what was known worse than this is not learnt
_LEAST = 0.02  # share of the capacity: the least standard deviation of what is usual
_DIFFERS = 0.12  # share by which a day differs from the usual at least, for what is to come ...
_USUAL_SD = 0.2  # ... and for now, where the sensors know more
_LOST = 0.25  # share of the capacity: with a larger standard deviation nothing is said
_TRUST = 6.0  # squared innovations in units of their variance, above which one is weakened
_LIKELY, _UNLIKELY = 0.5, 0.3  # from when a fuller state is told, and below which no longer
_RISK = 0.15  # that it is full: from then on it is not told vacant
_SURE = 0.1  # cars^2: nobody knows better than that
_Z90 = 1.2816
_LATE_S = 3600.0  # of later pulses nobody asks what a camera saw since
_BURST_S, _BURST = 30.0, 4.0  # pulses of a gate in this time; more than this above the usual ...
_BURST_RATE = 5.0  # ... and more than so many times the usual are no cars
_USUAL_S = 1800.0  # over which the usual rate is a mean


class Cars(msgspec.Struct):
    """Estimate and covariance (5, 5) for one lot; nothing is known until something counted cars.

    `partial`: a camera that once saw a part of the bays; before that it may be a machine that
    counts them all. `late` are the newest corrections: when, and which share of an earlier error
    they left. `recent` and `rate` are the newest pulses and the usual ones, by direction. `slot` is
    the half hour since `day_s`, midnight, that is to be noted next.
    """

    x: list[float] = msgspec.field(default_factory=lambda: [0.0, 1.0, 0.0, *_START[PAST_IN:]])
    p: list[list[float]] = msgspec.field(default_factory=lambda: _diagonal(_START_SD))
    known: bool = False
    partial: bool = False
    at_s: float = 0.0
    gated: bool = False
    vacancy: Vacancy | None = None
    late: list[tuple[float, float]] = []
    recent: dict[str, list[float]] = {}
    rate: dict[str, tuple[float, float]] = {}
    usual: Usual = msgspec.field(default_factory=Usual)
    day_s: float = 0.0
    slot: int = 0

    @property
    def mean(self) -> float | None:
        """Cars; None until something counted them."""
        return self.x[CARS] if self.known else None

    def pulse(self, *, into: bool, at_s: float, capacity: int) -> None:
        """A car passed a gate."""
        self.gated = True
        is_burst = self._is_burst("in" if into else "out", at_s)
        if not self.known:
            return
        left = self._left(at_s)
        self._pass_time(at_s, capacity)
        if is_burst:
            self.p[CARS][CARS] += 0.5
            return
        sign, unseen = (1.0, PAST_IN) if into else (-1.0, PAST_OUT)
        close = min(_CLOSE_S * self.rate["in" if into else "out"][0], _CLOSE_MOST)
        self.x[CARS] += sign * left * (1.0 + self.x[unseen] + close)
        step = sign * left
        row = self.p[unseen]
        for i in range(5):
            self.p[CARS][i] += step * row[i]
        for i in range(5):
            self.p[i][CARS] += step * self.p[i][unseen]
        self.p[CARS][CARS] += _PULSE
        self._bound(capacity)

    def camera(self, occupied: int, seen: int, at_s: float, capacity: int) -> None:
        """A camera counted `occupied` of the `seen` bays; none seen says nothing."""
        if not seen:
            return
        if seen < capacity and not self.partial:
            self.partial = True  # until then it may be a machine that counts every bay
            self.x[SHARE], self.p[SHARE][SHARE] = _START[SHARE], _START_SD[SHARE] ** 2
        share = min(occupied / seen, 1.0)
        unseen = max(capacity - seen, 0)
        hidden = unseen * (share * (1.0 - share) + 0.05) * (1.0 + unseen / seen)
        noise = ((_READ if self.partial else _COUNT) * capacity) ** 2 + 1.0 + hidden
        if not self.known:
            self._begin(share * capacity / self.x[SHARE], noise + (0.05 * capacity) ** 2, at_s)
            return
        self._pass_time(at_s, capacity)
        cars, sees = self.x[CARS], self.x[SHARE] + self.x[TODAY]
        doubt = cars if self.partial or self.gated else 0.0  # a machine that counts all is right
        self._measure(share * capacity - cars * sees, (sees, doubt, doubt, 0.0, 0.0), noise)
        self._bound(capacity)
        self._note(at_s, capacity)  # better than just before

    def set(self, count: int, at_s: float, capacity: int) -> None:
        """Somebody counted the cars: nothing before that matters."""
        self._begin(float(min(count, capacity)), _SET_SD**2, max(at_s, self.at_s))

    def night(self, at_s: float, capacity: int) -> None:
        """The lot has been shut for the night: nearly all have left."""
        share, sd = _NIGHT
        noise = max(sd * capacity, 1.0) ** 2
        if not self.known:
            self._begin(share * capacity, noise, at_s)
            return
        self._pass_time(at_s, capacity)
        self._measure(share * capacity - self.x[CARS], (1.0, 0.0, 0.0, 0.0, 0.0), noise)
        for i in (SHARE, PAST_IN, PAST_OUT) if self.partial else (PAST_IN, PAST_OUT):
            self._revert(i, _START[i], _START_SD[i], _FADE)
        self._bound(capacity)

    def gap(self, duration_s: float, capacity: int) -> None:
        """A gate was dead for so long."""
        self.p[CARS][CARS] += (_GAP_PER_H * capacity * max(duration_s, 60.0) / 3600.0) ** 2

    def quantiles(
        self, now_s: float, capacity: int, then: Then | None = None
    ) -> tuple[float, float, float] | None:
        """Cars at 10, 50 and 90 %, within 0..capacity, now or then; None while unknown."""
        told = self._told(now_s, capacity, then)
        if told is None:
            return None
        mean, sd = min(max(told[0], 0.0), float(capacity)), told[1]
        if then is None and sd > max(_LOST * capacity, 2.0):
            return None
        low, high = max(mean - _Z90 * sd, 0.0), min(mean + _Z90 * sd, float(capacity))
        return low, mean, high

    def _told(self, now_s: float, capacity: int, then: Then | None) -> tuple[float, float] | None:
        """Mean and standard deviation, of what was counted and of what is usual."""
        mean, variance = self.x[CARS], self.p[CARS][CARS] + self._drift(now_s, capacity)
        slot = (now_s - self.day_s) / SLOT_S
        usual = self.usual.at(slot)
        if usual is None or not self.known:
            return (mean, math.sqrt(variance)) if self.known and then is None else usual
        spread = max(usual[1], (_USUAL_SD if then is None else _DIFFERS) * capacity) ** 2
        trust = spread / (spread + variance)
        now = Now(usual[0] + trust * (mean - usual[0]), trust * variance)
        if then is None:
            return now.value, math.sqrt(now.variance)
        stays = self._left(min(now_s, 2.0 * now_s - self.day_s - then.slot * SLOT_S))
        now = Now(now.value, stays**2 * now.variance)
        return self.usual.ahead(now, slot, then, _LEAST * capacity)

    def free(self, now_s: float, capacity: int) -> Free | None:
        """Free places; None while they are unknown."""
        cars = self.quantiles(now_s, capacity)
        if cars is None:
            return None
        low, middle, high = (math.floor(capacity - value + 0.5) for value in reversed(cars))
        return Free(p10=low, p50=middle, p90=high)

    def judge(self, capacity: int, few: int) -> None:
        """Renew `vacancy`: a fuller state is entered when it is likely, left when it is not."""
        if self.mean is None:
            self.vacancy = None
            return
        full, at_most_few = self._at_most(0, capacity), self._at_most(few, capacity)
        was_full, was_few = self.vacancy == "full", self.vacancy in {"full", "few"}
        is_risky = full >= (_RISK / 2 if was_few else _RISK)
        if full >= (_UNLIKELY if was_full else _LIKELY):
            self.vacancy = "full"
        elif is_risky or at_most_few >= (_UNLIKELY if was_few else _LIKELY):
            self.vacancy = "few"
        else:
            self.vacancy = "vacant"

    def _at_most(self, free: int, capacity: int) -> float:
        """How likely it is that no more places are free."""
        over = free + 0.5 - (capacity - self.x[CARS])
        return 0.5 * math.erfc(-over / math.sqrt(2.0 * max(self.p[CARS][CARS], _SURE)))

    def _begin(self, cars: float, variance: float, at_s: float) -> None:
        self.x[CARS], self.at_s, self.known = cars, at_s, True
        for i in range(5):
            self.p[CARS][i] = self.p[i][CARS] = 0.0
        self.p[CARS][CARS] = variance
        self.late = []

    def _drift(self, at_s: float, capacity: int) -> float:
        """Variance that the time since the newest event adds; late events add none."""
        share = _HOUR if self.gated else _HOUR_UNGATED
        return (share * capacity) ** 2 * max(at_s - self.at_s, 0.0) / 3600.0

    def begin_day(
        self, day_s: float, kind: int, spans: tuple[tuple[float, float], ...] | None = None
    ) -> None:
        """Midnight has passed. The lot is open in these spans, seconds since 1970; None is always.

        What it is while shut, when nothing moves, says nothing of how sure a forecast is.
        """
        self.day_s, self.slot = day_s, 0
        spans = ((day_s, math.inf),) if spans is None else spans
        moments = [day_s + slot * SLOT_S for slot in range(SLOTS)]
        self.usual.begin_day(kind, [any(a <= s <= b for a, b in spans) for s in moments])

    def _note(self, until_s: float, capacity: int) -> None:
        """Keep what it was at each half hour until then."""
        if not self.day_s or not self.known:
            return
        last = min(math.floor((until_s - self.day_s) / SLOT_S), SLOTS - 1)
        for slot in range(self.slot, last + 1):
            then_s = self.day_s + slot * SLOT_S
            sd = math.sqrt(self.p[CARS][CARS] + self._drift(then_s, capacity))
            self._keep(slot, sd, capacity)
        self.slot = max(self.slot, last + 1)

    def _keep(self, slot: int, sd: float, capacity: int) -> None:
        """What it is at a half hour: to learn from, and to hold against what was told."""
        value = self.x[CARS] if sd < _LEARNT * capacity else None
        self.usual.note(slot, value, _LEAST * capacity, capacity)

    def _pass_time(self, at_s: float, capacity: int) -> None:
        self._note(at_s - _PROMPT_S, capacity)
        self.p[CARS][CARS] += self._drift(at_s, capacity)
        if at_s > self.at_s:
            self._revert(TODAY, 0.0, _TODAY_SD, math.exp((self.at_s - at_s) / _TODAY_S))
            self.at_s = at_s

    def _revert(self, i: int, mean: float, sd: float, keep: float) -> None:
        """Let one of the five go back towards what it is without news."""
        self.x[i] = mean + keep * (self.x[i] - mean)
        for j in range(5):
            self.p[i][j] *= keep
        for j in range(5):
            self.p[j][i] *= keep
        self.p[i][i] += (1.0 - keep**2) * sd**2

    def _measure(self, innovation: float, h: tuple[float, ...], noise: float) -> None:
        """One scalar measurement; the more unlikely it is, the less it is believed."""
        ph = [sum(row[j] * h[j] for j in range(5)) for row in self.p]
        expected = sum(h[i] * ph[i] for i in range(5))
        noise = max(noise, innovation**2 / _TRUST - expected)
        total = expected + noise
        gain = [value / total for value in ph]
        if not self.gated:  # nothing tells the camera's error from the cars
            gain[SHARE] = gain[TODAY] = 0.0
        for i in range(5):
            self.x[i] += gain[i] * innovation
            for j in range(5):
                self.p[i][j] += gain[i] * gain[j] * total - gain[i] * ph[j] - ph[i] * gain[j]
        self.late = [one for one in self.late if one[0] > self.at_s - _LATE_S]
        self.late.append((self.at_s, max(0.0, 1.0 - gain[CARS] * h[CARS])))

    def _left(self, at_s: float) -> float:
        """What later corrections have left of an error made at `at_s`."""
        left = 1.0
        for corrected_s, share in self.late:
            if corrected_s > at_s:
                left *= share
        return left

    def _is_burst(self, way: str, at_s: float) -> bool:
        """Whether so many pulses came just now that they are no cars."""
        recent = [s for s in self.recent.get(way, []) if abs(at_s - s) < _BURST_S][-50:]
        recent.append(at_s)
        self.recent[way] = recent
        usual, last_s = self.rate.get(way, (0.0, at_s))
        is_burst = len(recent) > _BURST + _BURST_RATE * usual * _BURST_S
        keep = math.exp(-max(at_s - last_s, 0.0) / _USUAL_S)
        more = 0.0 if is_burst else 1.0 / _USUAL_S
        self.rate[way] = usual * keep + more, max(at_s, last_s)
        return is_burst

    def _bound(self, capacity: int) -> None:
        self.x[CARS] = min(max(self.x[CARS], 0.0), float(capacity))
        self.x[SHARE] = min(max(self.x[SHARE], _SHARES[0]), _SHARES[1])


def _diagonal(sds: tuple[float, ...]) -> list[list[float]]:
    return [[sd**2 if i == j else 0.0 for j in range(5)] for i, sd in enumerate(sds)]
