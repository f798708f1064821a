"""A process that looks after notices, to be killed: `python -m tests.signage.notified FOLDER PORT`.

Its line moves on by one each 10 ms, and nobody is ever called: everybody is to be told once that
the turn is near. It ends when all have been.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from models.contract.results import LineResult, LineTicket
from models.site import parse
from models.turn import NEAR_AHEAD
from signage.notify import delivery as under_test
from signage.notify.notices import Notices
from signage.notify.store import Holder, Store
from tests.signage.office import EXAMPLE, NOON, HandClock, Hub
from tests.signage.post import notices_by_mail, rows

HOLDERS = 40
_STEP_S = 0.01


def numbers() -> list[str]:
    return [f"A{n:03}" for n in range(HOLDERS)]


def fill(store: Store) -> None:
    """Everybody has asked and confirmed."""
    for number in numbers():
        holder = Holder(
            token=f"token-{number}",
            way="mail",
            language="en",
            service="moving",
            number=number,
            walk_s=300,
            day="2026-11-24",
            since_s=NOON.timestamp() - 3600,
            asked_s=NOON.timestamp(),
            confirmed=True,
        )
        store.ask(holder, f"{number.lower()}@example.jp")


def move(hub: Hub, gone: int) -> None:
    tickets = tuple(
        LineTicket(number=number, ahead=max(NEAR_AHEAD + 1 + n - gone, 0))
        for n, number in enumerate(numbers())
    )
    hub.say("line/moving", LineResult(**hub.times(), tickets=tickets))


async def look_after(folder: Path, hub: Hub, notices: Notices) -> None:
    task = asyncio.create_task(notices.run())
    await notices.opened()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    file = folder / "notices.sqlite"
    gone = len(await asyncio.to_thread(rows, file, "SELECT 1 FROM notice"))
    asked = "SELECT count(*) FROM notice WHERE state = 'sent'"
    while (await asyncio.to_thread(rows, file, asked)) != [(HOLDERS,)]:
        gone += 1
        move(hub, gone)
        await asyncio.sleep(_STEP_S)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    hub = Hub(parse(EXAMPLE.read_text("utf-8")), HandClock())
    under_test._FIRST_S = 0.05  # the server is on this machine
    notices, store = notices_by_mail(hub.site, hub.mirror, folder, port)
    asyncio.run(look_after(folder, hub, notices))
    store.close()


if __name__ == "__main__":
    main()
