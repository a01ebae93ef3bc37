"""The timeline of a tracked clip, and its players in step in headless Chromium."""

from __future__ import annotations

import base64
import html
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.export import write_glb, write_mp4
from humanav.motion import Motion
from humanav.view import plotly_script
from humanav.view.colors import LEFT, RIGHT, css, person_color
from humanav.view.player import SCRIPT
from humanav.view.timeline import figure_timeline, runs, synced_players_html, timeline_html
from tests.view.people import figure

FPS, FRAMES = 25.0, 50


def take(person: str = "1", start: int = 0, frames: int = FRAMES, part: int = 0, **more: Any) -> dict[str, Any]:
    contacts = np.zeros((frames, 2), int)
    contacts[5:10, 0] = contacts[12:20, 1] = contacts[30:, 0] = 1
    values = {"contacts": contacts.tolist(), "confidence": np.linspace(0.4, 1, frames).tolist(), "seen": [1] * frames}
    return {"person_id": person, "part": part, "suffix": "", "start": start, "frames": frames} | values | more


def track(*takes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As in track.json: written and read, so that nothing but plain values is relied on."""
    return json.loads(json.dumps({"fps": FPS, "frames": FRAMES, "width": 64, "height": 96, "shots": [[0, FRAMES]],
                                  "mode": "fast", "camera": "fixed", "takes": list(takes)} | more))


def bars(drawn: Any, name: str) -> list[tuple[float, float]]:
    """(from, to) in seconds of the bars of that name."""
    return [(round(x - w / 2, 6), round(x + w / 2, 6)) for trace in drawn.data if trace.name == name
            for x, w in zip(trace.x, trace.width)]


def test_runs() -> None:
    assert runs(np.array([0, 1, 1, 0, 1])) == [(1, 3), (4, 5)]
    assert runs(np.zeros(3)) == []
    assert runs(np.ones(3)) == [(0, 3)]
    assert runs(np.zeros(0)) == []


def test_feet_and_confidence() -> None:
    drawn = figure_timeline(track(take(start=0)))
    assert np.allclose(bars(drawn, "Left foot"), [(4.5 / FPS, 9.5 / FPS), (29.5 / FPS, 49.5 / FPS)])
    assert np.allclose(bars(drawn, "Right foot"), [(11.5 / FPS, 19.5 / FPS)])
    colors = {trace.name: trace.marker.color for trace in drawn.data if trace.name}
    assert colors == {"Left foot": css(LEFT), "Right foot": css(RIGHT)}
    curve = drawn.data[0]
    assert curve.line.color == css(person_color("1"))
    assert curve.y[0] == pytest.approx(0.4)
    assert curve.x[-1] == pytest.approx(49 / FPS)
    assert tuple(drawn.layout.xaxis.range) == (0, 49 / FPS)
    assert not drawn.layout.shapes
    assert bars(drawn, "Not seen") == []


def test_gaps_cuts_and_several_people() -> None:
    seen = [1] * 20 + [0] * 5 + [1] * 5
    given = track(take("1", 0, 30, seen=seen), take("1", 40, 10, part=1), take("2", 10, 30),
                  shots=[[0, 15], [15, 35], [35, 50]])
    drawn = figure_timeline(given, names={"2": "The tall one"})
    assert [note.text for note in drawn.layout.annotations] == ["Person 1", "The tall one"]
    assert np.allclose(bars(drawn, "Not seen"), [(19.5 / FPS, 24.5 / FPS), (29.5 / FPS, 39.5 / FPS)])
    assert sorted({shape.x0 for shape in drawn.layout.shapes}) == [15 / FPS, 35 / FPS]
    assert drawn.layout.height > figure_timeline(track(take())).layout.height
    pattern = next(trace for trace in drawn.data if trace.name == "Not seen").marker.pattern
    assert pattern.shape == "/"


def test_long_curves_keep_their_lapses() -> None:
    confidence = np.ones(9000)
    confidence[4321] = 0
    long = track(take(frames=9000, confidence=confidence.tolist()), frames=9000)
    curve = figure_timeline(long).data[0]
    assert len(curve.x) <= 1500
    assert min(curve.y) == 0
    one = figure_timeline(track(take(frames=1, contacts=[[1, 1]]), frames=1))
    assert one.layout.xaxis.range[1] > 0


def test_the_page() -> None:
    page = timeline_html(track(take()), player="#players", script="/files/plotly.js", title="Feet <over> time")
    assert "Feet &lt;over&gt; time" in page
    inner = html.unescape(page.split('srcdoc="')[1].split('"')[0])
    assert '"player": "#players"' in inner
    assert "/files/plotly.js" in inner
    with pytest.raises(InputError, match="nobody"):
        timeline_html(track())


def test_players_page_is_safe_and_checks_its_input(tmp_path: Path) -> None:
    page = synced_players_html('/a.mp4"><script>', None, None, fps=FPS, frames=3, element="x", labels=("<b>", "", ""))
    inner = html.unescape(page.split('srcdoc="')[1].split('"')[0])
    assert inner.count("<script>") == 1
    assert "&lt;b&gt;" in inner
    assert 'id="x"' in page
    with pytest.raises(InputError, match="nothing to play"):
        synced_players_html(None, None, None, fps=FPS, frames=3)
    with pytest.raises(InputError, match="frame rate"):
        synced_players_html("/a.mp4", None, None, fps=0, frames=3)
    with pytest.raises(InputError, match="cannot be read"):
        synced_players_html("/a.mp4", None, tmp_path / "none.glb", fps=FPS, frames=3)


def counted(size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Frames whose shade says which they are."""
    for k in range(FRAMES):
        yield np.full((*size, 3), 20 + 4 * k, np.uint8)


def address(path: Path) -> str:
    return "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, bytes]:
    """Two videos and a GLB of the same clip; the body appears ten frames into it."""
    folder = tmp_path_factory.mktemp("parts")
    pose = np.zeros((FRAMES - 10, 55, 3), np.float32)
    pose[:, 0, 1] = np.linspace(0, 3, FRAMES - 10)
    glb = write_glb(figure(), folder / "a.glb", [Motion.from_full_pose(pose, FPS, name="motion")])
    return (*(address(write_mp4(counted((96, 64)), folder / f"{k}.mp4", FPS)) for k in range(2)), glb.read_bytes())


class Shown:
    """The players and their timeline on one page."""

    def __init__(self, browser: Any, parts: tuple[str, str, bytes], folder: Path) -> None:
        for name, script in (("player.js", SCRIPT), ("plotly.js", plotly_script())):
            shutil.copy(script, folder / name)
        players = synced_players_html(*parts, fps=FPS, frames=FRAMES, glb_start=10 / FPS, size=(64, 96),
                                      script="player.js", element="players", autoplay=False)
        line = timeline_html(track(take()), player="#players", script="plotly.js")
        page = folder / "page.html"
        page.write_text(f'<body style="margin:8px">{players}{line}</body>')
        self.context = browser.new_context(viewport={"width": 1000, "height": 900}, offline=True)
        self.page = self.context.new_page()
        self.page.set_default_timeout(90_000)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.goto(page.as_uri(), wait_until="commit")
        self.frame = self.page.wait_for_selector("#players").content_frame()
        self.frame.wait_for_selector("#synced[data-state=ready]")

    def frames(self) -> list[int]:
        """Which frame each video shows, told by its shade."""
        shades = self.frame.evaluate("""() => videos.map((video) => {
            const canvas = document.createElement("canvas"); canvas.width = canvas.height = 1;
            const pen = canvas.getContext("2d"); pen.drawImage(video, 0, 0, 1, 1);
            return pen.getImageData(0, 0, 1, 1).data[0]; })""")
        return [round((shade - 20) / 4) for shade in shades]

    def body(self) -> float:
        return float(self.frame.evaluate("world().state.time"))


@pytest.fixture(scope="module")
def page(browser: Any, parts: tuple[str, str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    opened = Shown(browser, parts, tmp_path_factory.mktemp("page"))
    yield opened
    opened.context.close()


@pytest.fixture
def shown(page: Shown) -> Iterator[Shown]:
    """The page, paused at the beginning."""
    page.frame.evaluate("() => { humanavPlayer.pause(); humanavPlayer.setSpeed(1); humanavPlayer.seek(0); }")
    yield page
    assert not page.problems


@pytest.mark.browser
def test_scrubbing_moves_all_three_to_the_same_frame(shown: Shown) -> None:
    for place in (0.5, 0.9, 0.1):
        shown.frame.get_by_label("Position in the clip").fill(str(int(1000 * place)))
        wanted = int(place * FRAMES + 1e-6)
        shown.frame.wait_for_function(f"!busy() && Math.abs(state.time * {FPS} - {wanted}) < 0.01")
        shown.page.wait_for_timeout(250)
        assert shown.frames() == pytest.approx([wanted] * 2, abs=1)
        assert shown.body() == pytest.approx(max(0, (wanted - 10) / FPS), abs=0.01)
    assert shown.frame.evaluate("state.playing") is False
    shown.frame.locator("#synced").click(position={"x": 300, "y": 100})
    shown.page.keyboard.press("ArrowRight")
    shown.frame.wait_for_function(f"Math.abs(state.time * {FPS} - 6) < 0.01")


@pytest.mark.browser
def test_playing_keeps_step_and_loops(shown: Shown) -> None:
    shown.frame.get_by_role("button", name="Play").click()
    shown.frame.wait_for_function("!held && lead.currentTime > 0.3")
    apart = []
    for _ in range(8):
        shown.page.wait_for_timeout(120)
        a, b, moving = shown.frame.evaluate("[videos[0].currentTime, videos[1].currentTime, !held]")
        if moving:
            apart.append(abs(a - b) * FPS)
    assert np.median(apart) < 1
    assert max(apart) < 2
    body, time = shown.frame.evaluate("[world().state.time, Math.min(Math.max(state.time - OPTIONS.start, 0), "
                                      "world().state.duration)]")
    assert body == pytest.approx(time, abs=1.5 / FPS)
    shown.frame.evaluate("window.highest = 0; setInterval(() => { highest = Math.max(highest, state.time); }, 20)")
    shown.frame.wait_for_function("highest > 1.5 && state.time < 1 && state.playing")  # it began again
    shown.frame.get_by_label("Speed").select_option("0.5")
    assert shown.frame.evaluate("videos.every((v) => Math.abs(v.playbackRate - 0.5) < 0.2)")
    shown.frame.get_by_role("button", name="Pause").click()
    shown.frame.wait_for_function("videos.every((v) => v.paused) && !world().state.playing")


@pytest.mark.browser
def test_the_timeline_follows_and_leads(shown: Shown) -> None:
    line = next(frame for frame in shown.page.frames if frame.query_selector(".js-plotly-plot"))
    shown.frame.evaluate("humanavPlayer.seek(1.0)")
    line.wait_for_function("Math.abs(Number(document.body.dataset.time) - 1) < 0.02")
    box = line.query_selector(".nsewdrag").bounding_box()
    shown.page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    wanted = 0.25 * (FRAMES - 1) / FPS
    shown.frame.wait_for_function(f"Math.abs(state.time - {wanted}) < {1 / FPS}")
    shown.frame.evaluate("window.postMessage({humanav: 'player', time: 1.2, play: true, view: 'back'}, '*')")
    shown.frame.wait_for_function("state.playing && state.time >= 1.2")
    back = shown.frame.frame_locator("#world").get_by_role("button", name="Back")
    assert back.get_attribute("aria-pressed") == "true"


@pytest.mark.browser
@pytest.mark.parametrize(("width", "stacked"), [(1000, False), (390, True)])
def test_layout(shown: Shown, width: int, stacked: bool) -> None:
    shown.page.set_viewport_size({"width": width, "height": 900})
    shown.page.evaluate("document.body.classList.add('dark')")
    shown.frame.wait_for_function("document.body.classList.contains('dark')")
    shown.frame.wait_for_selector(f"#synced[data-width={'narrow' if stacked else 'wide'}]")
    shown.page.wait_for_timeout(300)
    original, _, world = shown.frame.evaluate(
        "[...document.querySelectorAll('.pane')].map((pane) => pane.getBoundingClientRect().toJSON())")
    assert (world["top"] >= original["bottom"]) is stacked
    assert original["width"] / original["height"] == pytest.approx(64 / 96, rel=0.02)
    assert shown.frame.evaluate("document.documentElement.scrollWidth") <= width
    for control in ("#play", "#scrub", "#speed"):
        box = shown.frame.evaluate(f"document.querySelector('{control}').getBoundingClientRect().toJSON()")
        assert box["left"] >= 0
        assert box["right"] <= width
        assert box["height"] >= 32
    outer = shown.page.evaluate("document.querySelector('#players').clientHeight")
    assert outer == pytest.approx(shown.frame.evaluate("document.querySelector('#synced').offsetHeight"), abs=2)
    assert not shown.frame.frame_locator("#world").locator(".hp-bar").is_visible()  # one set of controls
    shown.page.evaluate("document.body.classList.remove('dark')")
    shown.frame.wait_for_function("!document.body.classList.contains('dark')")
    shown.page.set_viewport_size({"width": 1000, "height": 900})
