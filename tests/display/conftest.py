"""Fixtures of the display: the same office as the tests of what people see."""

from tests.signage.conftest import hub, served, site

__all__ = ["hub", "served", "site"]
