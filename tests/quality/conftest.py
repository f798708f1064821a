"""Fixtures of the gates: the same office as the tests of what people see."""

from tests.signage.conftest import site

__all__ = ["site"]
