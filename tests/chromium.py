"""Pages opened in a real Chromium, headless and without a GPU, from a file on this disk.

Needs Chromium (Debian's: `apt install chromium`, or the path in FTM_CHROMIUM) and the package `playwright`, which
drives it. Tests that use this file are skipped, with the reason, where one of them is missing.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class OpenPage:
    """A page with what it said and asked for since it was opened."""

    page: Any
    address: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def wait_until_ready(self) -> None:
        """Until the map is drawn and the texts can be searched; an error of its scripts ends the waiting at once."""
        for _ in range(1200):
            if self.page.evaluate("document.body.dataset.drawn && document.body.dataset.ready"):
                return
            assert not [line for line in self.said if line.startswith("error")], self.said
            self.page.wait_for_timeout(100)
        raise TimeoutError(f"the page was not ready after two minutes; it said {self.said}")


def find_chromium() -> str | None:
    """Path of the browser; None without one."""
    return os.environ.get("FTM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def driver() -> Iterator[Any]:
    """What drives browsers, one at a time in a process; skips the test where it, or Chromium, is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    if find_chromium() is None:
        pytest.skip("needs Chromium: apt install chromium, or its path in FTM_CHROMIUM")
    with playwright.sync_playwright() as running:
        yield running


def launch(running: Any, *flags: str) -> Any:
    """Start a browser."""
    return running.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", *flags])


@contextmanager
def browser(*flags: str) -> Iterator[Any]:
    """A running browser with a driver of its own."""
    with driver() as running:
        chromium = launch(running, *flags)
        yield chromium
        chromium.close()


def open_file(running: Any, path: Path, part: str = "", bypass_csp: bool = False, dots: float = 1) -> OpenPage:
    """Open a page from disk, at a part such as `#theme=U2024Q1-0001`.

    Args:
        running: The browser.
        path: The file.
        part: What the address has behind the file's name.
        bypass_csp: Only to put a test's own script into the page.
        dots: Of the screen, in each direction of a pixel.
    """
    size = {"width": 1400, "height": 900}
    context = running.new_context(viewport=size, bypass_csp=bypass_csp, device_scale_factor=dots)
    page = context.new_page()
    page.set_default_timeout(60_000)
    opened = OpenPage(page, path.resolve().as_uri())
    page.on("console", lambda message: opened.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: opened.said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (opened.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: opened.asked.append(request.url.partition("#")[0]))
    page.goto(opened.address + part)
    opened.wait_until_ready()
    return opened
