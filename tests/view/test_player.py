"""The browser player: its page, and the real thing in headless Chromium."""

import html

import numpy as np
import pytest

from humanav.errors import InputError, StorageError
from humanav.export import write_glb
from humanav.motion import Motion
from humanav.view import player_iframe, player_page, save_player
from humanav.view.player import SCRIPT
from tests.view.people import figure


def turning(name, frames=60):
    pose = np.zeros((frames, 55, 3), np.float32)
    pose[:, 0, 1] = np.linspace(0, 3, frames)
    transl = np.zeros((frames, 3))
    transl[:, 2] = np.linspace(0, 2, frames)
    return Motion.from_full_pose(pose, 30, transl=transl, name=name)


@pytest.fixture(scope="module")
def glb(tmp_path_factory):
    return write_glb(figure(), tmp_path_factory.mktemp("glb") / "a.glb", [turning("walk"), turning("turn_around", 30)])


def test_page_links_or_embeds(glb):
    linked = player_page("/files/a.glb", script="/files/player.js", title="A <b> person")
    assert 'src="/files/player.js"' in linked
    assert "A &lt;b&gt; person" in linked
    assert len(linked) < 2000
    whole = player_page(glb)
    assert len(whole) > SCRIPT.stat().st_size
    assert "data:model/gltf-binary;base64," in whole
    assert "<script src" not in whole
    frame = player_iframe("/files/a.glb", script="/files/player.js", height=400)
    assert html.escape(player_page("/files/a.glb", script="/files/player.js"), quote=True) in frame
    assert "height:400px" in frame


def test_scripts_cannot_break_out():
    page = player_page('/a.glb"</script><script>alert(1)</script>', script="/p.js", clip="</script>")
    assert page.count("</script>") == 2


def test_bad_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        player_page(tmp_path / "none.glb")
    with pytest.raises(InputError, match=r"not a \.glb"):
        player_page(b"hello")
    with pytest.raises(InputError, match="theme"):
        player_page("/a.glb", theme="pink")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        save_player(b"glTF", tmp_path / "file" / "page.html")


def test_licence_travels_along():
    assert "MIT" in (SCRIPT.parent / "LICENSE-three.txt").read_text()
    assert "three.js" in SCRIPT.read_text(encoding="utf-8")[:200]


@pytest.fixture
def page(browser, glb, tmp_path):
    context = browser.new_context(viewport={"width": 640, "height": 520}, offline=True)
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(save_player(glb, tmp_path / "page.html").as_uri())
    page.wait_for_selector("#player[data-state=ready]", timeout=60_000)
    yield page
    assert not problems
    context.close()


def picture(page):
    from io import BytesIO

    from PIL import Image

    return np.asarray(Image.open(BytesIO(page.locator("#humanav-canvas").screenshot())).convert("RGB")).astype(int)


@pytest.mark.browser
def test_it_shows_and_plays(page):
    assert page.evaluate("humanavPlayer.clips()") == ["walk", "turn_around"]
    first = page.evaluate("humanavPlayer.state.time")
    page.wait_for_function(f"humanavPlayer.state.time > {first} + 0.3", timeout=30_000)
    image = picture(page)
    red = (image[..., 0] - image[..., 2] > 80).sum()
    assert red > 0.01 * image.shape[0] * image.shape[1]  # the upper half of the person
    page.get_by_role("button", name="Pause").click()
    held = page.evaluate("humanavPlayer.state.time")
    page.wait_for_timeout(300)
    assert page.evaluate("humanavPlayer.state.time") == held


@pytest.mark.browser
def test_scrub_speed_clip_and_views(page):
    page.get_by_label("Position in the animation").fill("500")
    assert page.evaluate("humanavPlayer.state.time") == pytest.approx(59 / 30 / 2, abs=0.02)
    assert page.evaluate("humanavPlayer.state.playing") is False
    page.get_by_label("Speed").select_option("0.5")
    assert page.evaluate("humanavPlayer.state.speed") == 0.5
    page.get_by_label("Animation", exact=True).select_option(label="Turn around")
    assert page.evaluate("humanavPlayer.state.clip") == 1
    page.get_by_role("button", name="Back").click()
    assert page.get_by_role("button", name="Back").get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(400)
    back = picture(page)
    page.get_by_role("button", name="Side").click()
    page.wait_for_timeout(400)
    assert np.abs(picture(page) - back).mean() > 0.3


@pytest.mark.browser
def test_keyboard_and_messages(page):
    canvas = page.locator("#humanav-canvas")
    canvas.focus()
    playing = page.evaluate("humanavPlayer.state.playing")
    page.keyboard.press("Space")
    assert page.evaluate("humanavPlayer.state.playing") is not playing
    page.keyboard.press("3")
    assert page.get_by_role("button", name="Back").get_attribute("aria-pressed") == "true"
    page.evaluate("window.postMessage({humanav: 'player', clip: 'turn_around', play: false, time: 0.5}, '*')")
    page.wait_for_function("humanavPlayer.state.clip === 1 && !humanavPlayer.state.playing")
    assert page.evaluate("humanavPlayer.state.time") == pytest.approx(0.5)


@pytest.mark.browser
def test_phone_width_keeps_every_control_inside(page):
    page.set_viewport_size({"width": 390, "height": 520})
    page.wait_for_timeout(300)
    controls = page.locator("button:visible, select:visible, input:visible").all()
    assert len(controls) >= 7
    for box in (control.bounding_box() for control in controls):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 32
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
def test_dark_page_and_broken_file(browser, glb, tmp_path):
    outer = tmp_path / "outer.html"
    outer.write_text(f'<body class="dark">{player_iframe(glb, height=300)}</body>')
    page = browser.new_page()
    page.goto(outer.as_uri())
    frame = page.wait_for_selector("iframe").content_frame()
    frame.wait_for_selector("#player[data-state=ready]", timeout=60_000)
    assert frame.locator("#player").get_attribute("data-theme") == "dark"
    page.evaluate("document.body.classList.remove('dark')")
    frame.wait_for_selector("#player[data-theme=light]")
    page.goto(save_player(b"glTF broken", tmp_path / "broken.html").as_uri())
    page.wait_for_selector("#player[data-state=error]", timeout=30_000)
    assert "could not be loaded" in page.get_by_role("alert").inner_text()
    page.close()
