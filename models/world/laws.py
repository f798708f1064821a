"""The laws that chance follows in the synthetic office. See docs/world.md."""

import math
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PEAKS = (
    (8.0, 0.80),
    (10.0, 1.00),
    (11.0, 1.00),
    (12.0, 0.85),
    (13.0, 1.00),
    (14.0, 1.00),
    (16.0, 0.75),
    (17.0, 0.40),
)


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """Every number that the office is drawn by. An `sd` of a factor is about its mean, 1."""

    profile: tuple[tuple[float, float], ...] = PEAKS
    """Arrivals by local hour, the highest 1; linear between, level before and after."""
    arrivals_per_h: float | None = None
    """Of each service where the profile is 1; None: from its counters and its minutes."""
    slack: float = 0.05
    """Utilisation at the peak is 1 - slack / sqrt(counters): square-root staffing."""
    load_sd: float = 0.12
    """Of the day's factor on arrivals."""
    speed_sd: float = 0.10
    """Of the day's factor on service times."""

    service_law: Literal["lognormal", "exponential"] = "lognormal"
    service_cv: float = 0.6
    """Of an ordinary service, lognormal only."""
    long_share: float = 0.1
    """Services that take an exponential time more."""
    long_extra: float = 1.0
    """The mean of that time, in mean services."""

    patience_s: float = 75 * 60
    """Median; math.inf: nobody leaves."""
    patience_sigma: float = 1.0
    absent_s: float = 24
    """From the call of a number to the clerk's giving up."""

    booked: float = 0.3
    """Part of the visitors of services with `bookings = "first"` who have a reservation."""
    booked_sd: float = 0.4
    """Of the day's factor on these."""
    booked_come: float = 0.9
    """Share of the reservations whose holder comes."""

    companions: float = 0.3
    """Mean number of people who come with a visitor."""
    people_noise: float = 0.2
    """The camera's sd is this times the root of the people there."""

    drivers: float = 0.5
    """Share of the visitors who come by car."""
    lot_load: float = 0.9
    """Cars that would like to park at the peak, of the capacity."""
    stay_s: float = 38 * 60
    stay_cv: float = 0.9
    missed: float = 0.0
    """Share of the cars that a gate does not notice."""
    cars_sd: float = 0.0
    """Of the camera's count of cars."""


def lognormal(rng: np.random.Generator, mean: float, cv: float, n: int) -> Floats:
    """(n,) draws with this mean and this standard deviation over mean."""
    sigma = math.sqrt(math.log1p(cv * cv))
    return rng.lognormal(math.log(mean) - sigma * sigma / 2, sigma, n)


def services_s(rng: np.random.Generator, mean_s: float, n: int, params: Params) -> Floats:
    """(n,) service times in seconds, of mean `mean_s` with the long ones among them.

    Source: call times are lognormal in Brown et al. (2005), doi:10.1198/016214504000001808, 4.3.
    """
    usual_s = mean_s / (1 + params.long_share * params.long_extra)
    if params.service_law == "exponential":
        ordinary = rng.exponential(usual_s, n)
    else:
        ordinary = lognormal(rng, usual_s, params.service_cv, n)
    longer = rng.exponential(usual_s * params.long_extra, n)
    return ordinary + longer * (rng.random(n) < params.long_share)


def patience_s(rng: np.random.Generator, n: int, params: Params) -> Floats:
    """(n,) seconds after which a holder leaves unseen; inf: never."""
    return params.patience_s * rng.lognormal(0.0, params.patience_sigma, n)


def factor(rng: np.random.Generator, sd: float) -> float:
    """What a day has more or less of something: normal about 1, kept within 0.5 and 1.5."""
    return float(np.clip(rng.normal(1.0, sd), 0.5, 1.5))
