"""A listener on the broker, as the journeys have it."""

from tests.journey.conftest import listener

__all__ = ["listener"]
