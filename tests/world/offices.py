"""Offices that both simulators can live, ours and ciw, and what each makes of them."""

import json
import math
import subprocess
from datetime import date, datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.site import Service, Site, parse
from models.world.day import TicketTruth
from models.world.laws import Params
from models.world.office import live
from models.world.today import Today
from models.world.visitors import rates
from tests.conftest import ROOT

CIW = ROOT / "var" / "ciw" / "bin" / "python"
DAY = date(2026, 11, 24)
_APART_S = 1e-7  # who takes a ticket in the same millisecond has a place in the line all the same
Floats = npt.NDArray[np.float64]


class Office(msgspec.Struct, frozen=True):
    """One line with `counters` that are open all day; a service takes `minutes` on average."""

    counters: int
    minutes: float
    start: str
    end: str
    params: Params

    @property
    def site(self) -> Site:
        """As a site file would describe it."""
        names = [f"c{n}" for n in range(self.counters)]
        tables = "".join(f'[[counters]]\nid = "{name}"\n' for name in names)
        hours = f'{{ days = "mon-sun", open = "{self.start}", close = "{self.end}" }}'
        return parse(f"""
[site]
id = "tried"
name = {{ en = "Tried" }}
hours = [{hours}]
holidays = "none"
[[services]]
id = "line"
name = {{ en = "Tried" }}
counters = {json.dumps(names)}
service_minutes = {self.minutes}
{tables}""")

    @property
    def service(self) -> Service:
        """Its only one."""
        return self.site.services[0]


MM1 = Params(
    load_sd=0.0,
    speed_sd=0.0,
    profile=((0, 1),),
    arrivals_per_h=60 * 0.5,
    patience_s=math.inf,
    service_law="exponential",
    long_share=0.0,
)
"""Exponential services and even arrivals. In the others days are those of docs/world.md."""
STAY = Params(load_sd=0.0, speed_sd=0.0, patience_s=math.inf, arrivals_per_h=2 * 60 * 0.7)
LEAVE = Params(load_sd=0.0, speed_sd=0.0, patience_s=300.0, arrivals_per_h=60 * 0.7)
OFFICES = {
    "M/M/1": Office(1, 1.0, "00:00", "20:00", MM1),
    "lognormal, all stay": Office(2, 1.0, "08:30", "17:15", STAY),
    "lognormal, some leave": Office(1, 1.0, "08:30", "17:15", LEAVE),
}
"""Short services and low loads, so that a day holds many waits that know little of each other."""


def lived(office: Office, seed: int) -> list[TicketTruth]:
    """The tickets of one day of ours, by issue."""
    return [t for t in live(office.site, DAY, seed, office.params).tickets if t.called_at]


def ours_s(office: Office, days: int) -> list[Floats]:
    """Waits by day, as our world has them."""
    return [
        np.array([ticket.wait_s for ticket in lived(office, seed)], dtype=np.float64)
        for seed in range(days)
    ]


def ciws_s(office: Office, days: int) -> list[Floats]:
    """Waits by day, drawn and simulated by ciw."""
    params = office.params
    today = Today(office.site, DAY, 0, params)
    patience_s = min(params.patience_s, 1e12)
    asked = {
        "counters": office.counters,
        "days": days,
        "seed": 1,
        "per_s": (rates(today, office.service) / 60.0).tolist(),
        "law": {
            "mean_s": office.minutes * 60.0,
            "exponential": params.service_law == "exponential",
            "cv": params.service_cv,
            "long_share": params.long_share,
            "long_extra": params.long_extra,
            "patience_s": patience_s,
            "patience_sigma": params.patience_sigma,
            "absent_s": params.absent_s,
        },
    }
    return asked_of_ciw(asked)


def given_s(office: Office, days: list[list[TicketTruth]]) -> list[Floats]:
    """Waits by day if ciw has the very tickets of ours, and serves each as long as ours did."""
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=office.site.zone_info)
    given = [
        {
            "came_s": [
                (t.issued_at - midnight).total_seconds() + n * _APART_S for n, t in enumerate(day)
            ],
            "services_s": [_taken_s(office, t) for t in day],
        }
        for day in days
    ]
    return asked_of_ciw({"counters": office.counters, "given": given})


def _taken_s(office: Office, ticket: TicketTruth) -> float:
    """For how long it kept a counter busy."""
    if ticket.called_at is None or ticket.served_at is None:
        return office.params.absent_s
    return (ticket.served_at - ticket.called_at).total_seconds()


def asked_of_ciw(asked: dict[str, Any]) -> list[Floats]:
    """What ciw answers."""
    script = str(ROOT / "tools" / "ciw_office.py")
    done = subprocess.run(
        [str(CIW), script], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [np.array(day, dtype=np.float64) for day in json.loads(done.stdout)]


def mean_s(office: Office, days: list[Floats]) -> tuple[float, float]:
    """Mean wait of all tickets in seconds, and its standard error from day to day.

    How many should have come is known: what a busy day adds is taken off again. Source: control
    variates, e.g. Law (2015), Simulation Modeling and Analysis, 11.4.
    """
    today = Today(office.site, DAY, 0, office.params)
    wanted = float(rates(today, office.service).sum())
    sums, counts = np.array([d.sum() for d in days]), np.array([len(d) for d in days])
    slope = np.cov(sums, counts)[0, 1] / counts.var(ddof=1)
    set_right = sums - slope * (counts - wanted)
    error = set_right.std(ddof=1) / math.sqrt(len(days))
    return float(set_right.mean() / wanted), float(error / wanted)
