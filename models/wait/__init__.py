"""How long one waits. A new estimator is one file here and one line in ESTIMATORS."""

import importlib
from functools import cache
from typing import Any

ESTIMATORS = {
    "tickets": "models.wait.monte_carlo:wait",  # takes a Line
    "queue": "models.wait.queue_length:wait",  # takes a Snapshot
    "buttons+camera": "models.wait.unseen:wait",  # takes a Crowd, as do the next
    "camera+door": "models.wait.unseen:wait",
    "buttons": "models.wait.unseen:wait",
}
"""Estimators by what they rest on, which results name as `basis`; each gives a Spread or None."""


@cache
def estimator(basis: str) -> Any:  # noqa: ANN401  each takes its own view of the office
    """The estimator that rests on `basis`."""
    module, _, name = ESTIMATORS[basis].partition(":")
    return getattr(importlib.import_module(module), name)
