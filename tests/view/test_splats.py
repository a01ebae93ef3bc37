"""The browser's player of Gaussians: its pages, and the real thing in headless Chromium."""

from io import BytesIO

import numpy as np
import pytest
import trimesh
from PIL import Image

from humanav.errors import InputError, StorageError
from humanav.export import Splats, read_skinned_splats, write_glb, write_skinned_splats
from humanav.motion import Motion
from humanav.view import compare_page, save_splat_page, splat_iframe, splat_page
from humanav.view.splats import SPLAT_SCRIPT
from tests.view.people import figure


def turning(name, frames=60, turns=3.0):
    pose = np.zeros((frames, 55, 3), np.float32)
    pose[:, 0, 1] = np.linspace(0, turns, frames)
    transl = np.zeros((frames, 3))
    transl[:, 2] = np.linspace(0, 2, frames)
    return Motion.from_full_pose(pose, 30, transl=transl, name=name)


MOTIONS = [turning("walk"), turning("turn_around", 30)]


def gaussians():
    """The box-built person of this room's tests with Gaussians all over: red above, blue below."""
    person = figure()
    mesh = trimesh.Trimesh(person.vertices, person.faces, process=False)
    v = np.asarray(trimesh.sample.sample_surface(mesh, 3000, seed=0)[0])
    rgb = np.where(v[:, 1:2] > 0.9, [0.8, 0.2, 0.2], [0.15, 0.25, 0.5])
    return person, Splats(v, np.tile([1.0, 0, 0, 0], (len(v), 1)), np.full((len(v), 3), 0.012),
                          np.full(len(v), 0.95), rgb)


@pytest.fixture(scope="module")
def splats(tmp_path_factory):
    person, cloud = gaussians()

    def deform(pose):  # the chest swells while the person turns
        return pose[0, 1] * 0.04 * (cloud.means[:, 1:2] > 1.2) * (0, 0, 1)

    return write_skinned_splats(
        tmp_path_factory.mktemp("splats") / "a.splats", cloud.means, cloud.quats, cloud.scales, cloud.opacities,
        cloud.rgb, skin_index=np.zeros((len(cloud), 1), int), skin_weight=np.ones((len(cloud), 1)),
        joints=person.joints, motions=MOTIONS, deform=deform)


@pytest.fixture(scope="module")
def glb(tmp_path_factory):
    return write_glb(figure(), tmp_path_factory.mktemp("glb") / "a.glb", MOTIONS)


def test_page_links_or_embeds(splats):
    linked = splat_page("/files/a.splats", script="/files/splat_player.js", title="A <b> person")
    assert 'src="/files/splat_player.js"' in linked
    assert "A &lt;b&gt; person" in linked
    assert len(linked) < 2000
    whole = splat_page(splats)
    assert len(whole) > SPLAT_SCRIPT.stat().st_size + splats.stat().st_size
    assert "<script src" not in whole
    assert 'style="width:100%;height:400px' in splat_iframe(linked, height=400)
    still = splat_page(gaussians()[1])
    assert "data:application/octet-stream;base64," in still


def test_scripts_cannot_break_out():
    page = splat_page('/a.splats"</script><script>alert(1)</script>', script="/p.js", motion="</script>")
    assert page.count("</script>") == 2


def test_bad_files(tmp_path, splats, glb):
    with pytest.raises(InputError, match="cannot be read"):
        splat_page(tmp_path / "none.splats")
    with pytest.raises(InputError, match="not a file of skinned Gaussians"):
        splat_page(glb)
    with pytest.raises(InputError, match=r"not a \.glb"):
        compare_page(splats, splats)
    with pytest.raises(InputError, match="theme"):
        splat_page("/a.splats", theme="pink")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        save_splat_page(splats, tmp_path / "file" / "page.html")


def test_the_script_is_ours_alone():
    code = SPLAT_SCRIPT.read_text(encoding="utf-8")
    assert code.startswith("/* humanav player of Gaussians, Apache-2.0 */")
    assert len(code) < 60_000
    assert "http" not in code.replace("http://www.w3.org/2000/svg", "")


@pytest.fixture
def visit(browser, tmp_path):
    """Opens a page offline; any error in it, and any request to elsewhere, fails the test."""
    context = browser.new_context(viewport={"width": 480, "height": 480}, offline=True)
    problems = []

    def opened(source):
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:"))
                else problems.append(request.url))
        path = tmp_path / "page.html"
        path.write_text(source, encoding="utf-8")
        page.goto(path.as_uri())
        page.wait_for_selector("#player[data-state=ready]", timeout=60_000)
        return page

    yield opened
    assert not problems
    context.close()


def picture(page, selector="#humanav-canvas"):
    shot = page.locator(selector).first.screenshot()
    return np.asarray(Image.open(BytesIO(shot)).convert("RGB")).astype(int)


def shares(image):
    """Shares of the picture that are red and blue, as the two halves of the person."""
    return (image[..., 0] - image[..., 2] > 60).mean(), (image[..., 2] - image[..., 0] > 40).mean()


@pytest.mark.browser
def test_it_shows_plays_and_pauses(visit, splats):
    page = visit(splat_page(splats, theme="light"))
    assert page.evaluate("humanavPlayer.clips()") == ["walk", "turn_around", "T-pose"]
    first = page.evaluate("humanavPlayer.state.time")
    page.wait_for_function(f"humanavPlayer.state.time > {first} + 0.3", timeout=30_000)
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(500)
    held = page.evaluate("humanavPlayer.state.time")
    image = picture(page)
    red, blue = shares(image)
    assert red > 0.01
    assert blue > 0.01
    above, below = (np.argwhere(sign * (image[..., 0] - image[..., 2]) > 60)[:, 0].mean() for sign in (1, -1))
    assert above < below
    page.wait_for_timeout(300)
    assert page.evaluate("humanavPlayer.state.time") == held


@pytest.mark.browser
def test_the_picture_is_the_rasterisers(visit, splats):
    """The browser's shaders against humanav.render on the same Gaussians, camera and moment."""
    torch = pytest.importorskip("torch")
    from humanav.avatar.gaussian.value import EPS2D
    from humanav.render import rasterize

    page = visit(splat_page(splats, autoplay=False, theme="light", floor=False))
    page.add_style_tag(content=".hp{background:#000!important} .hp-views,.hp-corner{display:none!important}")
    page.evaluate("humanavPlayer.orbit.zoom(0.7); humanavPlayer.orbit.settle(); humanavPlayer.seek(0.5)")
    page.wait_for_timeout(1500)
    shown = picture(page)
    camera = page.evaluate("""(() => { const { width, height } = document.querySelector("#humanav-canvas");
        return humanavPlayer.orbit.camera(width, height); })()""")
    width, height = (int(side) for side in camera["screen"])
    viewmat = np.diag([1.0, -1, -1, 1]) @ np.array(camera["view"]).reshape(4, 4).T  # y down, z forward
    intrinsics = np.array([[camera["focal"][0], 0, width / 2], [0, camera["focal"][1], height / 2], [0, 0, 1]])
    cloud = read_skinned_splats(splats).frame("walk", 15)
    values = (cloud.means, cloud.quats, cloud.scales, cloud.opacities, cloud.rgb)
    tensors = [torch.from_numpy(value) for value in values]
    image, _, _ = rasterize(*tensors, torch.from_numpy(viewmat).float(), torch.from_numpy(intrinsics).float(), width,
                            height, eps2d=EPS2D)
    drawn = Image.fromarray((image.numpy().clip(0, 1) * 255 + 0.5).astype(np.uint8))
    wanted = np.asarray(drawn.resize(shown.shape[1::-1], Image.Resampling.BILINEAR)).astype(int)
    person = wanted.max(-1) > 8
    assert 0.03 < person.mean() < 0.5
    error = ((shown - wanted)[person] ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 30


@pytest.mark.browser
def test_controls(visit, splats):
    page = visit(splat_page(splats, autoplay=False, theme="light"))
    page.get_by_label("Position in the animation").fill("500")
    assert page.evaluate("humanavPlayer.state.time") == pytest.approx(59 / 30 / 2, abs=0.02)
    page.get_by_label("Speed").select_option("0.5")
    assert page.evaluate("humanavPlayer.state.speed") == 0.5
    page.get_by_role("button", name="Back").click()
    page.wait_for_timeout(1200)
    back = picture(page)
    page.get_by_role("button", name="Side").click()
    page.wait_for_timeout(1200)
    assert np.abs(picture(page) - back).mean() > 0.3
    page.get_by_label("Animation", exact=True).select_option(label="T pose")
    assert page.get_by_role("button", name="Play").count() == 0  # nothing to play
    assert page.evaluate("humanavPlayer.state.clip") == 2
    page.get_by_role("button", name="Light or dark").click()
    assert page.locator("#player").get_attribute("data-theme") == "dark"


@pytest.mark.browser
def test_mouse_keys_and_messages(visit, splats):
    page = visit(splat_page(splats, autoplay=False))
    box = page.locator("#humanav-canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    goal = "JSON.parse(JSON.stringify(humanavPlayer.orbit.goal))"
    start = page.evaluate(goal)

    def drag(**options):
        page.mouse.move(*middle)
        page.mouse.down(**options)
        page.mouse.move(middle[0] + 60, middle[1] + 20)
        page.mouse.up(**options)
        return page.evaluate(goal)

    turned = drag()
    assert turned["yaw"] < start["yaw"]
    assert turned["pitch"] > start["pitch"]
    panned = drag(button="right")
    assert panned["yaw"] == turned["yaw"]
    assert panned["target"] != turned["target"]
    page.mouse.wheel(0, 200)
    page.wait_for_function(f"humanavPlayer.orbit.goal.distance > {panned['distance']}")
    canvas = page.locator("#humanav-canvas")
    canvas.focus()
    page.keyboard.press("0")
    assert page.evaluate(goal)["distance"] == pytest.approx(start["distance"])
    page.keyboard.press("+")
    assert page.evaluate(goal)["distance"] < start["distance"]
    page.keyboard.press("Space")
    assert page.evaluate("humanavPlayer.state.playing")
    page.keyboard.press("ArrowRight")
    assert not page.evaluate("humanavPlayer.state.playing")
    page.evaluate("window.postMessage({humanav: 'player', clip: 'turn_around', play: false, time: 0.5}, '*')")
    page.wait_for_function("humanavPlayer.state.clip === 1 && !humanavPlayer.state.playing")
    assert page.evaluate("humanavPlayer.state.time") == pytest.approx(0.5)


@pytest.mark.browser
def test_phone_width_keeps_every_control_inside(visit, splats, glb):
    for source in (splat_page(splats), compare_page(splats, glb)):
        page = visit(source)
        page.set_viewport_size({"width": 390, "height": 520})
        page.wait_for_timeout(300)
        controls = page.locator("button:visible, select:visible, input:visible").all()
        boxes = [control.bounding_box() for control in controls]
        assert len(boxes) >= 9
        for box in boxes:
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert box["height"] >= 32
        for a in boxes:  # none over another
            for b in boxes:
                if a != b:
                    assert (a["x"] + a["width"] <= b["x"] + 1 or b["x"] + b["width"] <= a["x"] + 1
                            or a["y"] + a["height"] <= b["y"] + 1 or b["y"] + b["height"] <= a["y"] + 1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.close()


@pytest.mark.browser
def test_compared_with_the_mesh(visit, splats, glb):
    page = visit(compare_page(splats, glb, autoplay=False, theme="light"))
    page.wait_for_function("document.querySelector('.hc-mesh .hp').dataset.state === 'ready'", timeout=60_000)
    mesh = "document.querySelector('.hc-mesh .hp').humanavPlayer"
    page.evaluate("humanavPlayer.selectClip('turn_around'); humanavPlayer.seek(0.4)")
    page.wait_for_function(f"{mesh}.state.clip === 1 && Math.abs({mesh}.state.time - 0.4) < 1e-3")
    slider = page.get_by_role("slider", name="Textured mesh or Gaussians")
    masks = {}
    for share in (0.0, 1.0):  # all Gaussians, all mesh
        slider.focus()
        for _ in range(20):
            page.keyboard.press("ArrowRight" if share else "ArrowLeft")
        page.wait_for_timeout(1500)
        image = picture(page, ".hp-stage")
        masks[share] = (np.abs(np.diff(image, axis=-1)).max(-1) > 25)[60:-60]
    union = (masks[0.0] | masks[1.0]).sum()
    assert (masks[0.0] & masks[1.0]).sum() > 0.6 * union  # one camera, one moment (the Gaussians are a little thicker)
    page.get_by_role("button", name="Side by side").click()
    width = page.locator(".hp-stage").first.bounding_box()["width"]
    box = page.locator("#humanav-canvas").first.bounding_box()
    assert box["width"] == pytest.approx(width / 2, abs=1)


@pytest.mark.browser
def test_broken_file_and_dark_page(browser, splats, tmp_path):
    page = browser.new_page()
    outer = tmp_path / "outer.html"
    outer.write_text(f'<body class="dark">{splat_iframe(splat_page(splats), height=300)}</body>', encoding="utf-8")
    page.goto(outer.as_uri())
    frame = page.wait_for_selector("iframe").content_frame()
    frame.wait_for_selector("#player[data-state=ready]", timeout=60_000)
    assert frame.locator("#player").get_attribute("data-theme") == "dark"
    (tmp_path / "broken.html").write_text(splat_page("data:application/octet-stream;base64,AAAA"), encoding="utf-8")
    page.goto((tmp_path / "broken.html").as_uri())
    page.wait_for_selector("#player[data-state=error]", timeout=30_000)
    assert "could not be loaded" in page.get_by_role("alert").inner_text()
    page.close()
