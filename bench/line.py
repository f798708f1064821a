"""What it costs to tell everybody in a line how long they wait.

    .venv/bin/python -m bench.line [--rounds 20]

Offices with so many services and so many tickets that wait for each; the services have counters of
their own or share two. Milliseconds, the least of some rounds: `results` is all that is worked out
at one moment, `told` the rule that good news comes step by step, `said` the writing of the lines.
"""

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from models.contract.codec import encode
from models.contract.observations import Envelope, Observation, Ticket
from models.contract.results import LineResult
from models.site import Site, parse
from models.state.office import Office
from models.wait.retold import Retold

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
OFFICES = [(5, 30, False), (5, 30, True), (1, 100, False), (1, 10, False)]
"""Services, tickets that wait for each, and whether the services share their counters."""


def site_of(services: int, *, shared: bool) -> Site:
    """An office with two counters, for each service or for all."""
    counters = [f"c{n}" for n in range(2 if shared else 2 * services)]
    text = '[site]\nid = "bench"\nname = { en = "Bench" }\nholidays = "none"\n'
    text += 'hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]\n'
    for n in range(services):
        own = counters if shared else counters[2 * n : 2 * n + 2]
        named = ", ".join(f'"{counter}"' for counter in own)
        text += f'[[services]]\nid = "s{n}"\nname = {{ en = "S" }}\ncounters = [{named}]\n'
    return parse(text + "".join(f'[[counters]]\nid = "{counter}"\n' for counter in counters))


def crowded(services: int, waiting: int, *, shared: bool) -> Office:
    """An office in which that many wait."""
    office = Office(site_of(services, shared=shared), assume_alive=True)
    for seq in range(services * waiting):
        name, at = f"s{seq % services}", TEN + timedelta(seconds=5 * seq)
        envelope = Envelope(stream="s", seq=seq + 1, boot="b", up_ms=0, at=at)
        reading = Ticket(number=f"A{seq:03}", event="issued")
        seen = Observation(
            site="bench", device="d", kind="ticket", name=name, envelope=envelope, reading=reading
        )
        office.fold(seen, at.timestamp(), at.timestamp())
    return office


def least_ms(rounds: int, step: Callable[[int], object]) -> float:
    """The quickest of some rounds."""
    took = []
    for n in range(rounds):
        start = time.perf_counter()
        step(n)
        took.append(time.perf_counter() - start)
    return 1000.0 * min(took)


def measured(office: Office, start: datetime, rounds: int) -> tuple[float, float, float, float]:
    """Milliseconds of results, of the rule and of writing, and kilobytes, for all lines."""

    def moment(n: int) -> datetime:
        return start + timedelta(seconds=0.1 * n)

    found = office.results(start)
    lines = {key: line for key, line in found.items() if isinstance(line, LineResult)}
    retold = Retold()
    retold.lines(lines, start)
    return (
        least_ms(rounds, lambda n: office.results(moment(n + 1))),
        least_ms(rounds, lambda n: retold.lines(lines, moment(n + 1))),
        least_ms(rounds, lambda _: [encode(line) for line in lines.values()]),
        sum(len(encode(line)) for line in lines.values()) / 1000,
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds: int = parser.parse_args().rounds
    print("services  waiting  counters  results   told   said     kB")
    for services, waiting, shared in OFFICES:
        office = crowded(services, waiting, shared=shared)
        start = TEN + timedelta(seconds=5 * services * waiting)
        row = measured(office, start, rounds)
        figures = "{:8.2f} {:6.2f} {:6.2f} {:6.1f}".format(*row)
        print(f"{services:8} {waiting:8} {'shared' if shared else 'own':>9} {figures}")


if __name__ == "__main__":
    main()
