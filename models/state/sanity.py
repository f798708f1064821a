"""The last look before anything is published: what cannot be is never told."""

from models.contract.results import LineResult, LotResult, Result, ServiceResult, Spread, ZoneResult


def checked(result: Result) -> Result:
    """The same result.

    Raises:
        AssertionError: it says what cannot be; a mistake of ours, and no sign shall show it.
    """
    if isinstance(result, ServiceResult):
        _want(_can_be(result.wait), result)
        _want(result.waiting is None or result.waiting >= 0, result)
        _want(result.level is None or 1 <= result.level <= 4, result)  # noqa: PLR2004
    if isinstance(result, LotResult) and result.free is not None:
        free = result.free
        _want(0 <= free.p10 <= free.p50 <= free.p90 <= result.capacity, result)
    if isinstance(result, ZoneResult) and result.people is not None:
        _want(result.people >= 0, result)
    if isinstance(result, LineResult):
        _want(all(_can_be(ticket.wait) for ticket in result.tickets), result)
        ahead = [ticket.ahead for ticket in result.tickets]
        _want(ahead == sorted(ahead) and all(count >= 0 for count in ahead), result)
    return result


def _can_be(wait: Spread | None) -> bool:
    return wait is None or 0 <= wait.p10_s <= wait.p50_s <= wait.p90_s < float("inf")


def _want(is_possible: bool, result: Result) -> None:  # noqa: FBT001
    if not is_possible:
        raise AssertionError(f"want what can be, got {result}")
