"""The tickets of one service: who waits, in the order in which they came."""

import msgspec

from models.contract.results import Spread
from models.wait.noshow import NoShow

_PASSED = 5  # calls of later tickets after which one that was not called never will be


class Waiting(msgspec.Struct):
    """One waiting ticket. `told` is what was found when it was issued, to be held against it.

    `left` is how likely its holder had gone by `left_s`, seconds since 1970. `due_s` is for when
    its holder has a reservation, None of all others.
    """

    issued_s: float
    passed: int = 0
    told: Spread | None = None
    left: float = 0.0
    left_s: float = 0.0
    due_s: float | None = None

    def left_by(self, at_s: float, noshow: NoShow, told: float) -> float:
        """How likely the holder has gone by then.

        Args:
            at_s: seconds since 1970.
            noshow: how long people stay.
            told: share of the leavers that a doorway tells of; only the others have gone unseen.
        """
        was = noshow.share((self.left_s - self.issued_s) / 60.0)
        now = max(noshow.share((at_s - self.issued_s) / 60.0), was)
        stayed: float = ((1.0 - now) / (1.0 - was)) ** (1.0 - told)
        return 1.0 - (1.0 - self.left) * stayed


class Tickets(msgspec.Struct):
    """Times are seconds since 1970.

    A gap leaves events unseen. From `blind_s`, its end, the number of the waiting is not known,
    until a ticket is called that was issued after it: by then all those before it are gone.
    """

    waiting: dict[str, Waiting] = {}
    issued: int = 0
    called: str | None = None
    called_s: float = 0.0
    machine_calls: bool = False
    blind_s: float | None = None

    def begin_day(self) -> None:
        """Numbers start again; what still waited has gone home."""
        self.waiting = {}
        self.called = None
        self.called_s = 0.0
        self.blind_s = None

    def issue(self, number: str, at_s: float) -> Waiting | None:
        """A ticket was drawn. None if it waits already: a repetition."""
        if number in self.waiting:
            return None
        last = next(reversed(self.waiting.values()), None)
        ticket = self.waiting[number] = Waiting(issued_s=at_s, left_s=at_s)
        self.issued += 1
        if last is not None and last.issued_s > at_s:  # it came late over a cut line
            self.waiting = dict(sorted(self.waiting.items(), key=lambda item: item[1].issued_s))
        return ticket

    def call(self, number: str, at_s: float) -> Waiting | None:
        """A ticket was called. None if it was not seen to be issued.

        Tickets that are passed again and again were called unseen, or are lost: they do not wait.
        """
        if at_s >= self.called_s:
            self.called, self.called_s = number, at_s
        ticket = self.waiting.pop(number, None)
        if ticket is None:
            return None
        is_booked = ticket.due_s is not None
        for other, waiting in self._before(ticket.issued_s):
            if (waiting.due_s is not None) != is_booked:
                continue  # one of them goes first
            waiting.passed += 1
            if waiting.passed >= _PASSED or self.blind_s is not None:
                del self.waiting[other]
        if self.blind_s is not None and ticket.issued_s >= self.blind_s and not is_booked:
            self.blind_s = None
        return ticket

    def first(self, at_s: float) -> str | None:
        """Whose turn it is: of those with a reservation that is due, else of the others."""
        due = [
            (waiting.due_s, number)
            for number, waiting in self.waiting.items()
            if waiting.due_s is not None and waiting.due_s <= at_s
        ]
        others = (number for number, waiting in self.waiting.items() if waiting.due_s is None)
        return min(due)[1] if due else next(others, next(iter(self.waiting), None))

    def miss(self, until_s: float) -> None:
        """Events may be missing until then."""
        self.blind_s = max(until_s, self.blind_s or 0.0)

    def _before(self, issued_s: float) -> list[tuple[str, Waiting]]:
        earlier = []
        for number, waiting in self.waiting.items():
            if waiting.issued_s >= issued_s:
                break
            earlier.append((number, waiting))
        return earlier
