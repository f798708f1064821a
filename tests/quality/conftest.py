"""Fixtures of the gates: the same office and browser as the tests of what people see."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.signage.conftest import chromium, site
from tests.signage.test_browser import FLAGS

__all__ = ["browser", "chromium", "site"]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()
