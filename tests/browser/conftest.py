"""A real browser, which finds this machine only, and writes down whatever it asks for and says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # no name is looked up, so nothing can be reached but this machine
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SERIOUS = {"serious", "critical"}
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


# Not of the session: Playwright's loop runs in this thread until its end, and tests of other
# folders want one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None and os.environ.get("WITHOUT_BROWSER"):
        pytest.skip("WITHOUT_BROWSER is set and no chromium is installed")
    assert program, "no chromium is installed: make browser, or WITHOUT_BROWSER=1 to do without"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS])
        yield launched
        launched.close()


@dataclass
class Visit:
    """A page, and what came of it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(f"{message.type}: {message.text}")

    def faults(self) -> list[str]:
        """What axe-core holds against the page as it is, serious or worse."""
        source = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
        self.page.evaluate(source)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{fault['id']}: {fault['help']}: {[node['html'] for node in fault['nodes'][:3]]}"
            for fault in found["violations"]
            if fault["impact"] in SERIOUS
        ]

    def sideways(self) -> int:
        """Pixels by which the page is wider than its window; pictures scroll in their boxes."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def require_quiet(self, origin: str) -> None:
        """Nothing left this server, and the console is empty."""
        away = [url for url in self.requests if not url.startswith((origin, "data:", "blob:"))]
        assert away == []
        assert self.said == []


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    opened: list[Page] = []

    def make(*, width: int = 1280, height: int = 900, **options: Any) -> Visit:
        viewport = ViewportSize(width=width, height=height)
        page = browser.new_page(viewport=viewport, **options)
        opened.append(page)
        return Visit(page)

    yield make
    for page in opened:
        page.context.close()


@pytest.fixture
def picture() -> Any:
    """Keeps a screenshot in docs/images; only when asked to, so that tests leave nothing behind."""

    def keep(page: Page, name: str) -> None:
        if os.environ.get("SCREENSHOTS"):
            IMAGES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(IMAGES / f"{name}.png"))

    return keep
