"""The demo's way: what would go out by mail is shown on a page."""

from collections import deque
from collections.abc import Awaitable, Callable

from signage.notify.mail import address_of
from signage.notify.senders import Letter

_KEPT = 20


class Inbox:
    """The last mails, the newest first."""

    key = ""

    def __init__(self) -> None:
        self.letters: deque[Letter] = deque(maxlen=_KEPT)

    def check(self, written: str) -> str:
        """See `Sender`."""
        return address_of(written)

    async def send(self, letter: Letter, doubt: Callable[[], Awaitable[None]]) -> None:
        """See `Sender`."""
        await doubt()
        self.letters.appendleft(letter)

    async def close(self) -> None:
        """Nothing is held."""
