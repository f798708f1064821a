"""How much of a difference from the usual is left later, learnt from what was left so far."""

import math

import msgspec

_KEEP = 0.998  # of what was learnt, after each half hour
_FAR = 4.0  # mean errors; what is farther off says no more
_FIRST = 10.0  # mean errors held at first against the guess that nothing is left
_OUTSIDE, _LEARN = 0.2, 0.04
_NARROWEST, _WIDEST = 0.05, 8.0

_STAYS = (1.0, 0.95, 0.85, 0.7, 0.5, 0.25, 0.0)  # the share of the one that may be left ...
_GOES_ON = (0.0, 0.2, 0.4)  # ... and that of the other
_EXPERTS = [(a, b) for a in _STAYS for b in _GOES_ON]


class Lasting(msgspec.Struct):
    """What is left of two differences so much later, and how sure that is.

    `losses` is the sum of the absolute errors of each guess, in units of `error`, the mean absolute
    error of what was told. `alike` is how many times the same news is learnt. `width` is half of
    what holds 80 %, in the unit that `learn` is given.

    Source: exponentially weighted guesses, Cesa-Bianchi & Lugosi (2006), Prediction, Learning, and
    Games, chapter 2; width by adaptive conformal inference, Gibbs & Candes (2021),
    arXiv:2106.00170.
    """

    alike: float
    losses: list[float] = msgspec.field(
        default_factory=lambda: [_FIRST * (1.0 - a) for a, _ in _EXPERTS]
    )
    error: float = 0.0
    width: float = 1.3

    def shares(self) -> tuple[float, float]:
        """Of the one and of the other difference, what is left."""
        least = min(self.losses)
        weights = [math.exp((least - loss) / self.alike) for loss in self.losses]
        total = sum(weights)
        a = sum(weight * a for weight, (a, _) in zip(weights, _EXPERTS, strict=True)) / total
        b = sum(weight * b for weight, (_, b) in zip(weights, _EXPERTS, strict=True)) / total
        return a, b

    def left(self, one: float, other: float) -> float:
        """Of these two."""
        a, b = self.shares()
        return a * one + b * other

    def learn(self, one: float, other: float, came: float, unit: float, weight: float) -> None:
        """So much was left of two differences.

        Args:
            one: difference.
            other: difference.
            came: what was left of them.
            unit: how much such a thing usually varies, > 0.
            weight: of this news for the width, 0..1.
        """
        error = abs(came - self.left(one, other))
        width = self.width * math.exp(_LEARN * weight * ((error > self.width * unit) - _OUTSIDE))
        self.width = min(max(width, _NARROWEST), _WIDEST)
        self.error = self.error or error or unit
        for i, (a, b) in enumerate(_EXPERTS):
            loss = min(abs(came - a * one - b * other) / self.error, _FAR)
            self.losses[i] = _KEEP * self.losses[i] + loss
        self.error += (min(error, _FAR * self.error) - self.error) / 50.0
