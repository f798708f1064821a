"""Who of those with a ticket is no longer there: by the doorway, and by who comes when called."""

from msgspec.structs import replace

from models.state.counters import Counter
from models.state.memory import Memory
from models.state.tickets import Waiting

_ANOTHERS = 0.6  # of an exit laid to one who is still there, what is laid to the others then
_SURE = 2.0  # times as long as a clerk waits for the absent: who is still served has come


class Leavers:
    """Keeps, for each waiting ticket in a memory, how likely its holder has gone."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def go(self, at_s: float) -> None:
        """Somebody went out. If nobody served explains it, it is laid to all who might be tired."""
        exits = self.memory.exits
        if exits.explains(at_s):
            return
        waiting = self._waiting(at_s)
        tired = [(1.0 - ticket.left) * per_min for ticket, per_min in waiting]
        if waiting:
            exits.wonder(at_s, sum(tired))
            _share([ticket for ticket, _ in waiting], tired, exits.credit)

    def came(self, at_s: float) -> None:
        """Who is served for long has come."""
        for counter in self.memory.counters.values():
            busy = counter.busy
            if busy is None or busy.left is None:
                continue
            absent_s = self.memory.services[busy.service].learnt.absent_s
            if at_s - busy.called_s > _SURE * absent_s:
                self.settle(counter, at_s, absent=False)

    def settle(self, counter: Counter, at_s: float, *, absent: bool) -> None:
        """It is known whether the called one came: then it was, or was not, another who left."""
        busy, exits = counter.busy, self.memory.exits
        if busy is None or busy.left is None:
            return
        counter.busy = replace(busy, left=None)
        surplus = _ANOTHERS * exits.told * exits.credit * (busy.left - absent)
        tickets = [ticket for ticket, _ in self._waiting(at_s)]
        _share(tickets, [ticket.left * (1.0 - ticket.left) for ticket in tickets], surplus)

    def _waiting(self, at_s: float) -> list[tuple[Waiting, float]]:
        """All who wait, as they are now, each with the share that leaves in a minute."""
        told, found = self.memory.exits.told, []
        for state in self.memory.services.values():
            noshow = state.learnt.noshow
            for ticket in state.tickets.waiting.values():
                ticket.left = ticket.left_by(at_s, noshow, told)
                ticket.left_s = max(at_s, ticket.left_s)
                found.append((ticket, noshow.per_min((at_s - ticket.issued_s) / 60.0)))
        return found


def _share(tickets: list[Waiting], weights: list[float], amount: float) -> None:
    """Lay so many leavers to these tickets, by weight."""
    total = sum(weights)
    if total > 0.0:
        for ticket, weight in zip(tickets, weights, strict=True):
            ticket.left = min(max(ticket.left + amount * weight / total, 0.0), 1.0)
