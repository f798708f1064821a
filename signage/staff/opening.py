"""Staff's pages as a process has them: of which offices, and how each speaks with its hub."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from broker.acl import WEB
from broker.clock import Clock
from broker.service import state_folder
from broker.session import Address
from signage.mirror import Mirror
from signage.serving import Step
from signage.staff.command import folder_of
from signage.staff.house import House
from signage.staff.post import Post


class Staffed(msgspec.Struct, frozen=True):
    """One office's pages, and its own connection."""

    house: House
    post: Post

    def steps(self) -> Mapping[str, Step]:
        """What runs as long as the process does."""
        return {f"mqtt {self.house.room.site.id}": self.post.run, **self.house.steps()}


@asynccontextmanager
async def staffed(
    mirrors: Sequence[Mirror], clock: Clock, address: Address
) -> AsyncIterator[dict[str, Staffed]]:
    """The staff's pages of each office that has any, by its id.

    Args:
        mirrors: of the offices; where there is one, its pages are at `/staff`.
        clock: of this process; where time is made up there is no staff.
        address: of the broker. Of several offices each is `<site>.web` there.

    Raises:
        Missing: a secret that a site file names is not there.
        Unavailable: there is no place to keep accounts.
        SensorFailed: the outbox cannot be opened.
    """
    asked = [m for m in mirrors if m.site.staff is not None and not clock.is_simulated]
    made: dict[str, Staffed] = {}
    try:
        for mirror in asked:
            one = await asyncio.to_thread(_made, mirror, address, several=len(mirrors) > 1)
            made[mirror.site.id] = one
        yield made
    finally:
        for one in made.values():
            await asyncio.to_thread(one.house.close)


def _made(mirror: Mirror, address: Address, *, several: bool) -> Staffed:
    site = mirror.site
    folder: Path = folder_of(site, state_folder("web", None))
    post = Post(mirror, address, folder, f"{site.id}.{WEB}" if several else WEB)
    house = House(site, mirror, folder, post.observe, f"/{site.id}" if several else "")
    house.room.order = post.order
    return Staffed(house, post)
