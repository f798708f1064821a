"""People in a zone by who came in and who went out."""

import msgspec

_RECENT_S = 300.0  # a count by hand may come so much later than the crossings after it


class Doorway(msgspec.Struct):
    """All doorways of one zone. Times are seconds since 1970.

    `inside` is None until all were counted at `since_s`, by hand or because nobody is there at
    night; `recent` are the newest crossings, +1 in and -1 out.
    """

    inside: int | None = None
    since_s: float = 0.0
    crossed_s: float | None = None
    recent: list[tuple[float, int]] = []

    def begin(self, people: int, at_s: float) -> None:
        """All were counted: only what crossed later changes that."""
        if at_s < self.since_s:
            return
        self.since_s = at_s
        self.recent = [one for one in self.recent if one[0] > at_s]
        self.inside = people
        for _, step in self.recent:
            self._step(step)

    def cross(self, step: int, at_s: float) -> None:
        """Somebody came in (+1) or went out (-1); who crossed before the count is in it."""
        if at_s <= self.since_s:
            return
        self.crossed_s = max(at_s, self.crossed_s or 0.0)
        kept = [one for one in self.recent if one[0] > self.crossed_s - _RECENT_S]
        self.recent = sorted([*kept, (at_s, step)])
        self._step(step)

    def lose(self, at_s: float) -> None:
        """Until then many may have crossed unseen."""
        if at_s > self.since_s:
            self.inside = None

    def _step(self, step: int) -> None:
        """Who leaves an empty zone came in unseen: never fewer than nobody."""
        if self.inside is not None:
            self.inside = max(self.inside + step, 0)
