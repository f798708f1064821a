"""One table for the rule of freshness, which stands in Python and in JavaScript."""

from models.freshness import State

Case = tuple[State, int | None, int | None, int | None, int, str]
"""State, observed, until, opens, now (milliseconds), phase."""

CASES: list[Case] = [
    ("open", 0, 90_000, None, 0, "fresh"),
    ("open", 0, 90_000, None, 45_000, "fresh"),
    ("open", 0, 90_000, None, 45_001, "ageing"),
    ("open", 0, 90_000, None, 89_999, "ageing"),
    ("open", 0, 90_000, None, 90_000, "stale"),
    ("open", 1_000, 2_000, None, 1_501, "ageing"),
    ("open", None, 90_000, None, 89_999, "fresh"),
    ("open", None, 90_000, None, 90_000, "stale"),
    ("open", 0, None, None, 0, "stale"),
    ("open", None, None, None, 0, "no_data"),
    ("open", 5_000, 90_000, None, 1_000, "fresh"),
    ("paused", 0, 90_000, 100_000, 80_000, "paused"),
    ("paused", 0, 90_000, 100_000, 90_000, "stale"),
    ("closed", None, 90_000, 300_000, 200_000, "closed"),
    ("closed", None, 90_000, 300_000, 300_000, "stale"),
    ("closed", None, 90_000, 50_000, 60_000, "closed"),
    ("closed", None, 90_000, None, 89_999, "closed"),
    ("closed", None, 90_000, None, 90_000, "stale"),
    ("no_data", None, 90_000, None, 0, "no_data"),
    ("no_data", None, 90_000, None, 99_000, "no_data"),
    ("no_data", 0, 90_000, None, 50_000, "stale"),
]
