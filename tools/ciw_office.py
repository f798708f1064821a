"""An office in ciw, an independent simulator. Run by the Python of var/ciw; JSON in, JSON out.

Its input comes from `tests/world/offices.py`; what goes back are the waits of each day in seconds,
in the order of arrival.
"""

import json
import math
import random
import sys
from typing import Any

import ciw

_HORIZON_S = 10 * 86_400.0  # until all have been served


class Given(ciw.dists.Distribution):
    """Service times of these arrivals, which are served in the order in which they come."""

    def __init__(self, services_s: list[float]) -> None:
        self._left = iter(services_s)

    def sample(self, t: float | None = None, ind: Any = None) -> float:  # noqa: ANN401, ARG002  ciw's own
        """The next one's."""
        return next(self._left)


class Drawn(ciw.dists.Distribution):
    """The service times that docs/world.md describes, drawn by Python's own generator."""

    def __init__(self, law: dict[str, Any]) -> None:
        self._law = law

    def sample(self, t: float | None = None, ind: Any = None) -> float:  # noqa: ANN401
        """Of somebody who is called at `t`; short if they have left by then."""
        law = self._law
        left_s = law["patience_s"] * random.lognormvariate(0.0, law["patience_sigma"])
        if t is not None and t - ind.arrival_date >= left_s:
            return float(law["absent_s"])
        usual_s = law["mean_s"] / (1.0 + law["long_share"] * law["long_extra"])
        longer_s = 0.0
        if random.random() < law["long_share"]:  # noqa: S311
            longer_s = random.expovariate(1.0 / (usual_s * law["long_extra"]))
        if law["exponential"]:
            return random.expovariate(1.0 / usual_s) + longer_s
        variance = math.log(1.0 + law["cv"] ** 2)
        ordinary_s = random.lognormvariate(math.log(usual_s) - variance / 2.0, math.sqrt(variance))
        return ordinary_s + longer_s


def waits_s(counters: int, arrivals: Any, services: Any) -> list[float]:  # noqa: ANN401
    """The waits of one day."""
    network = ciw.create_network(
        arrival_distributions=[arrivals],
        service_distributions=[services],
        number_of_servers=[counters],
    )
    day = ciw.Simulation(network)
    day.simulate_until_max_time(_HORIZON_S)
    records = day.get_all_records(only=["service"])
    return [r.waiting_time for r in sorted(records, key=lambda r: r.arrival_date)]


def main() -> None:
    """All days of what is asked."""
    asked = json.load(sys.stdin)
    days = []
    for day in asked.get("given", []):
        came_s = day["came_s"]
        gaps = [b - a for a, b in zip([0.0, *came_s], came_s, strict=False)]
        arrivals = ciw.dists.Sequential([*gaps, math.inf])
        days.append(waits_s(asked["counters"], arrivals, Given(day["services_s"])))
    for seed in range(asked.get("days", 0)):
        ciw.seed(asked["seed"] + seed)
        minutes = [60.0 * (n + 1) for n in range(len(asked["per_s"]))]
        arrivals = ciw.dists.PoissonIntervals(asked["per_s"], minutes, minutes[-1])
        days.append(waits_s(asked["counters"], arrivals, Drawn(asked["law"])))
    json.dump(days, sys.stdout)


if __name__ == "__main__":
    main()
