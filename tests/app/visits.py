"""A visitor's browser on the running app."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def until(page: Any, condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until a condition holds: other tests share the machine."""
    for _ in range(round(seconds / 0.1)):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it did not come true within {seconds:g} s")


def calm(browser: Any, width: int = 1360, height: int = 1000, **options: Any) -> Any:
    """A browser of one visitor, who prefers reduced motion: players wait to be played, and cost no CPU till then."""
    return browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", **options)


@contextmanager
def visit(browser: Any, url: str, tab: str, ready: str, height: int = 1000) -> Iterator[Any]:
    """A page at a tab, once the element ``ready`` is there; it must ask no other server for anything."""
    context = calm(browser, height=height, accept_downloads=True)
    page = context.new_page()
    page.foreign = []
    page.on("request", lambda request: page.foreign.append(request.url) if not request.url.startswith(
        ("http://127.0.0.1", "data:", "blob:", "about:")) else None)
    page.goto(f"{url}/?tab={tab}")
    page.wait_for_selector(ready, timeout=60_000)
    yield page
    assert page.foreign == []
    context.close()
