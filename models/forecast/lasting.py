"""How much of a difference from the usual is left later, learnt from what was left so far."""

import math
from typing import NamedTuple

import msgspec
import numpy as np

from models.forecast.average import Floats
from models.forecast.shapes import VIEWS

_KEEP = 0.998  # of what was learnt, after each half hour
_FAR = 4.0  # mean errors; what is farther off says no more
_FIRST = 10.0  # mean errors held at first against the guess that nothing is left
_VIEW = 0.1  # what an error says of the views, beside what it says of the shares
_OUTSIDE, _LEARN = 0.2, 0.12
_NARROWEST, _WIDEST = 0.05, 8.0

_STAYS = (1.0, 0.95, 0.85, 0.7, 0.5, 0.25, 0.0)  # the share of the one that may be left ...
_GOES_ON = (0.0, 0.2, 0.4)  # ... and that of the other
_SHARES = np.array([(a, b) for a in _STAYS for b in _GOES_ON])


class Seen(NamedTuple):
    """What is usual then, and two differences from the usual now: (9,) by view."""

    usual: Floats
    one: Floats
    other: Floats


class Lasting(msgspec.Struct):
    """What is left of two differences so much later, and how sure that is.

    `losses` are the absolute errors of each guess of what is left, in units of `error`, the mean
    absolute error of what was told; `regrets` those of each view of what is usual, beside what was
    told. `alike` is how many times the same news is learnt. `width` is half of what holds 80 %, in
    the unit that `learn` is given.

    Source: exponentially weighted guesses, Cesa-Bianchi & Lugosi (2006), Prediction, Learning, and
    Games, chapter 2; views by the gradient of the loss, section 2.5; width by adaptive conformal
    inference, Gibbs & Candes (2021), arXiv:2106.00170.
    """

    alike: float
    losses: list[float] = msgspec.field(default_factory=(_FIRST * (1.0 - _SHARES[:, 0])).tolist)
    regrets: list[float] = msgspec.field(default_factory=lambda: [0.0] * VIEWS)
    error: float = 0.0
    width: float = 1.3

    def views(self) -> Floats:
        """(9,), how far each is believed."""
        return _weights(np.array(self.regrets) * _VIEW / self.alike)

    def shares(self) -> tuple[float, float]:
        """Of the one and of the other difference, what is left."""
        one, other = _weights(np.array(self.losses) / self.alike) @ _SHARES
        return float(one), float(other)

    def told(self, seen: Seen, fade: float = 1.0) -> float:
        """What comes; `fade` is the share of the differences that is left beside."""
        a, b = self.shares()
        return float(self.views() @ (seen.usual + fade * (a * seen.one + b * seen.other)))

    def learn(self, seen: Seen, came: float, unit: float, most: float) -> None:
        """This came of what was seen.

        Args:
            seen: then.
            came: what was to be told.
            unit: how much such a thing usually varies, > 0.
            most: that is told; nothing below 0 is.
        """
        a, b = self.shares()
        views = self.views()
        each = seen.usual + a * seen.one + b * seen.other
        told = min(max(float(views @ each), 0.0), most)
        error = abs(came - told)
        step = _LEARN / math.sqrt(self.alike)
        width = self.width * math.exp(step * ((error > self.width * unit) - _OUTSIDE))
        self.width = min(max(width, _NARROWEST), _WIDEST)
        self.error = self.error or error or unit
        usual, one, other = (float(views @ x) for x in (seen.usual, seen.one, seen.other))
        guesses = np.clip(usual + _SHARES @ (one, other), 0.0, most)
        losses = np.minimum(np.abs(came - guesses) / self.error, _FAR)
        self.losses = (_KEEP * np.array(self.losses) + losses).tolist()
        regrets = np.clip(np.sign(told - came) * (each - told) / self.error, -_FAR, _FAR)
        self.regrets = (_KEEP * np.array(self.regrets) + regrets).tolist()
        self.error += (min(error, _FAR * self.error) - self.error) / 50.0


def _weights(losses: Floats) -> Floats:
    weights = np.exp(losses.min() - losses)
    shares: Floats = weights / weights.sum()
    return shares
