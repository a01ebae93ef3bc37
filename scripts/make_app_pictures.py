"""Screenshots of every tab with a result in it, on a desk's and a phone's screen, for the README (assets/docs/tab_*).

Starts the app with a store of its own, makes the sample's result in each tab, and opens its link on a small screen in a
fresh browser. Needs chromium and playwright. ``python scripts/make_app_pictures.py [TAB ...]``
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

sys.path += [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "benchmarks")]
from _app_page import FLAGS
from _app_visit import App, running_app

from humanav.paths import asset

DESK, PHONE = (1280, 900), (390, 844)
STEPS: dict[str, tuple[tuple[str, ...], str]] = {
    "photo": (("#samples .gallery-item >> nth=1", "#make"), "#status .done"),
    "denoise": (("#clean",), "#clean-status .done"),
    "uplift": (("#lift",), "#uplift-status .done"),
    "track": (("#track-samples .gallery-item >> nth=1", "#track-make"), "#track-status .done"),
    "capture": (("#capture-samples .gallery-item >> nth=0", "#capture-make"), "#capture-status .done"),
}
"""What to click in each tab, and what shows that it is done."""


def main(tabs: list[str]) -> None:
    """Take the pictures."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, running_app(folder) as app, sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=FLAGS)
        visitor = browser.new_context(viewport={"width": DESK[0], "height": DESK[1]})
        for tab in [tab for tab in STEPS if not tabs or tab in tabs]:
            desk = visitor.new_page()
            _work(desk, app, tab)
            link, picture = desk.url, desk.screenshot()
            desk.close()  # players of open pages take the processor from jobs
            _save(tab, picture, _on_phone(browser, link, STEPS[tab][1]))
        if not tabs or "results" in tabs:
            page, small = visitor.new_page(), visitor.new_page()
            small.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            for one in (page, small):
                one.goto(f"{app.url}/?tab=results")
                one.wait_for_timeout(4000)
            _save("results", page.screenshot(), small.screenshot())
        browser.close()


def _work(page: Any, app: App, tab: str) -> None:
    clicks, done = STEPS[tab]
    page.goto(f"{app.url}/?tab={tab}")
    page.wait_for_timeout(3000)
    for place in clicks:
        page.locator(place).click()
        page.wait_for_timeout(2500)
    page.wait_for_selector(done, timeout=600_000)
    page.wait_for_timeout(6000)


def _on_phone(browser: Any, link: str, done: str) -> bytes:
    """A picture of the result's link, opened by somebody else on a phone and scrolled to what was made."""
    phone = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    page = phone.new_page()
    page.goto(link)
    page.wait_for_selector(done, timeout=60_000)
    page.wait_for_timeout(5000)
    page.locator(done).evaluate("(status) => scrollBy(0, status.getBoundingClientRect().bottom - innerHeight + 60)")
    page.wait_for_timeout(1500)
    picture: bytes = page.screenshot()
    phone.close()
    return picture


def _save(name: str, desk: bytes, phone: bytes) -> None:
    """Both pictures side by side, of one height."""
    left, right = (Image.open(io.BytesIO(picture)).convert("RGB") for picture in (desk, phone))
    right = right.resize((round(right.width * left.height / right.height), left.height), Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (left.width + right.width + 24, left.height), (226, 224, 220))
    sheet.paste(left, (0, 0))
    sheet.paste(right, (left.width + 24, 0))
    path, smaller = asset("docs", f"tab_{name}.jpg"), (sheet.width * 4 // 5, sheet.height * 4 // 5)
    sheet.resize(smaller, Image.Resampling.LANCZOS).save(path, quality=84, optimize=True)
    print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1:])
