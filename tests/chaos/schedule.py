"""What goes wrong, when and to whom: seeded, so that a run can be had again."""

import random
from collections.abc import Collection

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """One way in which something goes wrong.

    `weight` says how often it comes among the others, `shortest_s` and `longest_s` how long it
    lasts. `is_net` tells a fault of the line from one of the machine: one machine can have both.
    """

    weight: float
    victims: tuple[str, ...]
    shortest_s: float
    longest_s: float
    needs_disk: bool = False
    is_net: bool = False


KINDS = {
    "kill": Kind(30, ("broker", "hub", "agent", "agent"), 0.0, 1.0),
    "stop": Kind(12, ("broker", "hub", "agent", "agent"), 0.2, 3.0),
    "cut": Kind(14, ("hub", "agent", "agent"), 0.1, 3.0, is_net=True),
    "delay": Kind(6, ("hub", "agent", "agent"), 0.5, 3.0, is_net=True),
    "stall": Kind(8, ("hub", "agent", "agent"), 0.5, 5.0, is_net=True),
    "half-open": Kind(6, ("hub", "agent", "agent"), 0.5, 5.0, is_net=True),
    "replay": Kind(10, ("wire",), 0.0, 0.5, is_net=True),
    "clock": Kind(8, ("hub", "agent", "agent"), 1.0, 4.0),
    "full": Kind(8, ("hub", "agent", "agent"), 0.5, 4.0, needs_disk=True),
    "power": Kind(14, ("hub", "agent", "agent"), 0.0, 1.0, needs_disk=True),
    "torn": Kind(5, ("hub", "agent", "agent", "agent"), 0.1, 1.0),
}

PEER_KINDS = ("kill", "stop", "cut", "delay", "stall", "half-open")
"""What can happen to a program that has no disk of its own; the same for all that are compared."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something goes wrong `at_s` after the start; `number` seeds what else is chance in it."""

    number: int
    at_s: float
    kind: str
    victim: str
    lasts_s: float

    @property
    def title(self) -> str:
        """Its row in the table: all agents are one."""
        return f"{self.kind} {self.victim.partition('-')[0]}"


def schedule(
    seed: int, *, seconds: float, faults: int, agents: int, kinds: Collection[str]
) -> list[Fault]:
    """So many faults, spread over so many seconds; the same for the same arguments."""
    rng = random.Random(seed)
    names = [name for name in KINDS if name in kinds]
    weights = [KINDS[name].weight for name in names]
    made = []
    for number, at_s in enumerate(sorted(rng.uniform(1, seconds) for _ in range(faults))):
        (name,) = rng.choices(names, weights)
        kind = KINDS[name]
        victim = rng.choice(kind.victims)
        if victim == "agent":
            victim = f"agent-{rng.randrange(agents)}"
        lasts_s = rng.uniform(kind.shortest_s, kind.longest_s)
        made.append(Fault(number=number, at_s=at_s, kind=name, victim=victim, lasts_s=lasts_s))
    return made
