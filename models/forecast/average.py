"""What is usual of many days: their weighted mean by slot, values far off pulled in."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SD_OF_MAD = 1.4826
_FAR = 1.5  # standard deviations
_LEAST = 1.0  # of them


def average(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation by slot; not a number where nothing is known.

    Args:
        values: (days, slots), not a number where nobody knew.
        weights: (days,), of each day.

    Source: winsorised by median and median deviation, e.g. Huber (1964),
    doi:10.1214/aoms/1177703732.
    """
    middle = weighted_median(values, weights)
    spread = _SD_OF_MAD * weighted_median(np.abs(values - middle), weights)
    reach = _FAR * np.maximum(spread, _LEAST)
    near = np.clip(values, middle - reach, middle + reach)
    known = np.where(np.isnan(values), 0.0, weights[:, None])
    near = np.where(np.isnan(values), 0.0, near)
    total = known.sum(axis=0)
    total = np.where(total > 0, total, np.nan)
    mean = (known * near).sum(axis=0) / total
    return mean, np.sqrt((known * (near - mean) ** 2).sum(axis=0) / total)


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """The value at half of the weight, by slot; not a number where there is none.

    >>> weighted_median(np.array([[1.0], [2.0], [9.0]]), np.ones(3)).tolist()
    [2.0]
    """
    order = np.argsort(values, axis=0)  # what nobody knew comes last
    values = np.take_along_axis(values, order, axis=0)
    heaped = np.cumsum(np.where(np.isnan(values), 0.0, weights[order]), axis=0)
    half = np.argmax(heaped >= heaped[-1:] / 2, axis=0)
    medians: Floats = np.take_along_axis(values, half[None, :], axis=0)[0]
    return medians
