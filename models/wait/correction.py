"""What a formula's own errors say of it: a small regression that begins at "it is right"."""

import msgspec
import numpy as np

from models.wait.durations import Floats

_NEAR = 0.3  # an error of the logarithm that counts in full; larger ones ever less
_KEPT_A_DAY = 0.8


class Correction(msgspec.Struct):
    """Coefficients on what a formula leaves out, for the logarithm of what it tells.

    Ridge regression towards 0, of absolute errors rather than squares: the larger one is, the
    less it weighs (Schlossmacher 1973, doi:10.1080/01621459.1973.10481426).

    `trust` is what 0 counts for, by coefficient; `weights` the matrix of weighted squares, `sums`
    the weighted products with the errors, and `slopes` the coefficients that follow.
    """

    trust: list[float]
    weights: list[list[float]] = []
    sums: list[float] = []
    slopes: list[float] = []

    def of(self, seen: list[float]) -> float:
        """What is to be added to the logarithm.

        Args:
            seen: what the formula leaves out, by coefficient.
        """
        return sum(slope * x for slope, x in zip(self.slopes, seen, strict=False))

    def learn(self, seen: list[float], error: float, weight: float) -> None:
        """The truth has come.

        Args:
            seen: what the formula left out.
            error: logarithm of the truth less that of the formula, uncorrected.
            weight: as `trust` is counted.
        """
        x = np.array(seen)
        weight /= max(abs(error - self.of(seen)) / _NEAR, 1.0)
        self._set(self._matrix() + weight * np.outer(x, x), self._vector() + weight * error * x)

    def forget(self) -> None:
        """A day has passed."""
        self._set(_KEPT_A_DAY * self._matrix(), _KEPT_A_DAY * self._vector())

    def _matrix(self) -> Floats:
        return np.array(self.weights) if self.weights else np.zeros((len(self.trust),) * 2)

    def _vector(self) -> Floats:
        return np.array(self.sums) if self.sums else np.zeros(len(self.trust))

    def _set(self, weights: Floats, sums: Floats) -> None:
        self.weights, self.sums = weights.tolist(), sums.tolist()
        self.slopes = np.linalg.solve(weights + np.diag(self.trust), sums).tolist()
