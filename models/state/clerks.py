"""What goes on between tickets and counters, and what is learnt from it."""

from models.contract.results import Call
from models.screens.announce import HOLDS_S, MOST
from models.state.counters import Counter
from models.state.house import House
from models.state.leavers import Leavers
from models.state.memory import Memory
from models.state.view import time_of
from models.wait.line import Busy

_IDLE_S = 30.0  # who waited less was perhaps called by an idle clerk
_COUNTERS = 64  # with those that nobody declared; what is more is not followed
_CALLS = 10  # that are kept, however old
_MISSED = 10


class Clerks:
    """Calls and finishes tickets in a memory. Times are seconds since 1970."""

    def __init__(self, memory: Memory, house: House) -> None:
        self.memory = memory
        self.house = house
        self.leavers = Leavers(memory)
        self.calls: list[Call] = []

    def call(
        self, service: str, number: str, counter: str | None, at_s: float, received_s: float
    ) -> None:
        """A ticket is called, to a counter if the machine says to which."""
        state = self.memory.services[service]
        self.leavers.came(at_s)
        ticket = state.tickets.call(number, at_s)
        self._announce(
            Call(number=number, service=service, counter=counter, at=time_of(at_s)), received_s
        )
        waited_s = left = None
        if ticket is not None:
            waited_s = max(at_s - ticket.issued_s, 0.0)
            if ticket.due_s is None:  # who has a reservation waits for that
                state.waited.note(waited_s, ticket.issued_s)
            left = ticket.left_by(at_s, state.learnt.noshow, self.memory.exits.told)
            if ticket.told is not None:
                state.learnt.conformal.learn(ticket.told, waited_s)
        desk = self._desk(service, counter, at_s)
        if at_s < desk.called_s or (ticket is None and desk in self.serving(service, number)):
            return  # late, or called out once more
        if desk.open is False and at_s > desk.changed_s:
            desk.open, desk.changed_s = None, at_s  # who calls is not closed
        for other in self.serving(service, number):
            other.busy = None
        if desk.busy is not None:
            is_known = waited_s is not None and waited_s > _IDLE_S
            self.finish(desk, at_s, "served" if is_known else "cancelled")
        desk.busy = Busy(service=service, called_s=at_s, waited_s=waited_s, left=left)
        desk.number, desk.called_s = number, at_s

    def call_next(self, counter: str, at_s: float, received_s: float) -> None:
        """The counter calls whoever has waited longest, unless the ticket machine says whom."""
        first: tuple[float, str, str] | None = None
        for service in self.house.services_of[counter]:
            tickets = self.memory.services[service].tickets
            number = tickets.first(at_s)
            if number is not None and not tickets.machine_calls:
                head = (tickets.waiting[number].issued_s, service, number)
                first = min(first, head) if first else head
        if first is not None:
            self.call(first[1], first[2], counter, at_s, received_s)
            return
        desk = self.memory.counters[counter]
        desk.called_s = max(desk.called_s, at_s)

    def serving(self, service: str, number: str) -> list[Counter]:
        """The counters that serve a ticket now: one or none."""
        return [
            counter
            for counter in self.memory.counters.values()
            if counter.busy and counter.number == number and counter.busy.service == service
        ]

    def finish(self, counter: Counter, at_s: float, event: str) -> None:
        """A counter is free again; learn from how long it was not."""
        if event != "cancelled":
            self.leavers.settle(counter, at_s, absent=event == "absent")
        busy, counter.busy = counter.busy, None
        if busy is None or event == "cancelled" or at_s < busy.called_s:
            return
        learnt = self.memory.services[busy.service].learnt
        duration_s = at_s - busy.called_s
        if event == "absent":
            self.memory.exits.left_today += 1
            learnt.absent_s += 0.05 * (min(duration_s, 300.0) - learnt.absent_s)
        else:
            self.memory.exits.serve(at_s)
            self.memory.pace.learn(duration_s, learnt.durations.mean_s)
            self.memory.speed.learn(*learnt.durations.score(duration_s))
            learnt.durations.learn(duration_s)
        if busy.waited_s is not None:
            learnt.noshow.learn(busy.waited_s, absent=event == "absent")

    def miss(self, service: str, number: str, counter: str | None, at_s: float) -> None:
        """The holder of a called ticket did not come."""
        ticket = (service, number)
        if any((c.service, c.number) == ticket and time_of(at_s) < c.at for c in self.memory.calls):
            return  # it comes late over a cut line, and the ticket was called again since
        self.settle(service, number)
        call = Call(number=number, service=service, counter=counter, at=time_of(at_s))
        missed = sorted([*self.memory.missed, call], key=lambda c: c.at)
        self.memory.missed = missed[-_MISSED:]

    def settle(self, service: str, number: str) -> None:
        """Whoever had missed it has come, or is called again."""
        self.memory.missed = [
            call for call in self.memory.missed if (call.service, call.number) != (service, number)
        ]

    def _announce(self, call: Call, received_s: float) -> None:
        """List it, with all that a screen may still have to call out."""
        memory = self.memory
        self.settle(call.service, call.number)
        calls = sorted([*memory.calls, call], key=lambda c: c.at)
        old_s = received_s - HOLDS_S
        holds = sum(call.at.timestamp() > old_s for call in calls)
        memory.calls = calls[-min(max(holds, _CALLS), MOST) :]
        if call.at.timestamp() > old_s:
            self.calls.append(call)

    def _desk(self, service: str, counter: str | None, at_s: float) -> Counter:
        """The counter that calls; a guess where the machine does not say."""
        counters = self.memory.counters
        if counter is None:
            names = self.house.services[service].counters or (f"{service}",)
            known = [counters.setdefault(name, Counter()) for name in names]
            return min(known, key=lambda c: (c.busy is not None, c.called_s))
        if counter not in counters and len(counters) >= _COUNTERS:
            return Counter()
        self.memory.services[service].seen_counters[counter] = at_s
        return counters.setdefault(counter, Counter())
