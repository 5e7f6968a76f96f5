"""One browser for all pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from legosigns_dagster_tests.support.browser import chromium


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running
