"""The tab "2D to 3D": what it makes of files and words, the editor's endpoints, and a visitor's way through it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.app import kept, shell, skeleton_editor, uplift_pieces, uplift_tab
from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError
from humanav.jobs.uplift_samples import sample_keypoints
from humanav.motion import CLIP_NAMES, load_motion
from humanav.perception.layouts import layout_names
from humanav.results import Result
from humanav.store import new_key
from tests.app.conftest import RunningApp, ids_of_the_page
from tests.app.test_denoise_tab import download, people
from tests.app.visits import calm, until, visit


def request(**change: Any) -> dict[str, Any]:
    known = skeleton_editor.skeleton()
    return {"points": [[x, y, 1] for x, y in known["presets"]["Stand"]], "width": known["width"],
            "height": known["height"], "betas": None, "focal": None} | change


def test_uploaded_files_find_their_places(tmp_path: Path) -> None:
    assert uplift_pieces.sort_files(["/a/clip.mp4"]) == uplift_pieces.Files(Path("/a/clip.mp4"))
    both = uplift_pieces.sort_files(["/a/clip.mp4", "/a/points.npz"])
    assert (both.source, both.pictures) == (Path("/a/points.npz"), Path("/a/clip.mp4"))
    with pytest.raises(InputError, match="one at a time"):
        uplift_pieces.sort_files(["/a/one.mp4", "/a/two.jpg"])
    with pytest.raises(InputError, match="one keypoint file"):
        uplift_pieces.sort_files(["/a/one.npz", "/a/two.csv"])
    files = []
    for k in range(3):
        (tmp_path / str(k)).mkdir()
        files.append(tmp_path / str(k) / f"clip_{k:012d}_keypoints.json")
        files[-1].write_text(f'{{"people": [], "k": {k}}}')
    folder = uplift_pieces.sort_files([str(file) for file in files]).source
    assert sorted(path.name for path in folder.iterdir()) == [file.name for file in files]
    assert uplift_pieces.sort_files([str(file) for file in files]).source == folder
    (tmp_path / files[0].name).write_text("{}")
    with pytest.raises(InputError, match="same name"):
        uplift_pieces.sort_files([str(file) for file in (*files, tmp_path / files[0].name)])


def test_words_and_numbers_of_the_options() -> None:
    assert uplift_pieces.parse_size("1920 x 1080") == (1920, 1080)
    assert uplift_pieces.parse_size(" ") == ()
    with pytest.raises(InputError, match="no picture size"):
        uplift_pieces.parse_size("large")
    assert uplift_pieces.parse_names("nose, left eye,, Right_Eye\n-") == {"nose": 0, "left_eye": 1, "right_eye": 3}
    assert uplift_pieces.parse_names("") is None
    assert uplift_pieces.camera_of(1000.0, (640, 480)) == (1000.0, 1000.0, 320.0, 240.0)
    assert uplift_pieces.camera_of(None, ()) == ()
    with pytest.raises(InputError, match="size"):
        uplift_pieces.camera_of(1000.0, ())


def test_every_choice_of_the_page_exists() -> None:
    assert set(uplift_pieces.SAMPLES.values()) - {""} <= set(CLIP_NAMES)
    assert all(layout_names(name) for name in uplift_tab.LAYOUTS.values() if name)
    assert "uplift" in [tab.id for tab in shell.TABS]
    ids = ids_of_the_page()
    assert {"lift", "uplift-files", "uplift-viewer", "skeleton-editor", "uplift-options"} <= ids


def test_the_numbers_of_a_result() -> None:
    curve = [0.0, 10.0, 90.0]
    report = {"frames": 3, "fps": 30.0, "reprojection_px": 4.2, "reprojection_pct_size": 1.5, "confidence": 0.8,
              "seen_share": 1.0, "angles": {"left_knee_flexion": {"least": 0.0, "most": 90.0}},
              "curves": {"left_knee_flexion": curve}}
    result = Result(Path("."), "0" * 16, "uplift", "", {}, (), report)
    said = uplift_pieces.numbers(result)
    assert "4.2 px" in said
    assert "0 to 90°" in said
    assert "<iframe" in uplift_pieces.angle_curves(result)
    still = Result(Path("."), "0" * 16, "uplift", "", {}, (), report | {"frames": 1})
    assert uplift_pieces.angle_curves(still) == ""
    assert "90°" in uplift_pieces.numbers(still)


def test_the_skeleton_that_is_drawn_is_whole() -> None:
    known = skeleton_editor.skeleton()
    names = set(known["names"])
    used = {name for a, b, _ in known["bones"] for end in (a, b) for name in ([end] if isinstance(end, str) else end)}
    assert used | set(known["main"]) | set(known["torso"]) <= names
    for table in (known["follow"], known["attached"]):
        assert {name for key, others in table.items() for name in (key, *others)} <= names
    for points in known["presets"].values():
        assert np.shape(points) == (33, 2)
        assert np.min(points) > 0
        assert (np.max(points, axis=0) < [known["width"], known["height"]]).all()


def test_a_drawing_that_was_kept_keeps_its_name() -> None:
    key, drawn = new_key(), json.dumps(request())
    id = skeleton_editor.keep(drawn, key)
    kept.store().rename(key, id, "My pose")
    assert skeleton_editor.keep(drawn, key) == id
    assert kept.store().find(id).record.title == "My pose"


def test_the_editor_is_answered() -> None:
    answer = skeleton_editor.lift(request())
    assert np.shape(answer["quaternions"]) == (22, 4)
    assert np.shape(answer["points"]) == (33, 2)
    np.testing.assert_allclose(np.linalg.norm(answer["quaternions"], axis=1), 1, atol=1e-3)
    json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize("wrong", [
    None, [], "text", {}, {"points": []}, request(points=[[0, 0, 1]] * 5), request(points="many"), request(width=0),
    request(width="wide"), request(points=[[float("nan"), 0, 1]] * 33), request(focal=-1), request(betas=[1e9] * 500),
    request(betas={"a": 1}), request(points=[[0, 0, 0]] * 33), request(points=[[0, 0], [0, 0, 1]]),
    request(height=10 ** 400)])
def test_the_editor_is_refused_in_words(wrong: Any) -> None:
    for endpoint in (skeleton_editor.lift, skeleton_editor.export):
        asked = wrong | {"kind": "npz"} if isinstance(wrong, dict) else wrong
        answer = endpoint(asked)
        assert set(answer) == {"error"}
        assert "Traceback" not in answer["error"]
        assert "went wrong here" not in answer["error"]


def test_the_editor_writes_files() -> None:
    for kind in ("npz", "bvh", "glb"):
        assert skeleton_editor.export(request(kind=kind))["name"] == f"pose.{kind}"
    assert "error" in skeleton_editor.export(request(kind="../../x"))


def test_the_photo_message_fits_the_editor(sample: Path) -> None:
    message = skeleton_editor.photo_message(str(sample))
    photo = message["photo"]
    assert message["humanav"] == "editor"
    assert photo["url"].startswith("data:image/jpeg")
    assert np.shape(photo["points"]) == (33, 3)
    json.dumps(message, allow_nan=False)


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    with visit(browser, app.url, "uplift", "#lift") as page:
        yield page


@pytest.mark.browser
@pytest.mark.slow
def test_a_sample_is_lifted_and_its_curve_moves_the_player(page: Any, tmp_path: Path) -> None:
    page.click("#lift")
    page.locator("#lift-cancel").wait_for(timeout=240_000)
    page.wait_for_selector("#uplift-status .done", timeout=300_000)
    player = people(page, "uplift-viewer")
    curves = page.frame_locator("#uplift-angles iframe")
    curves.locator(".js-plotly-plot .nsewdrag").first.wait_for(timeout=60_000)
    assert curves.locator(".scatterlayer path.js-line").count() == 8
    panel = curves.locator(".nsewdrag").first
    page.locator("#uplift-angles").scroll_into_view_if_needed()
    box = panel.bounding_box()
    panel.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    whole = (len(sample_keypoints("squat")) - 1) / sample_keypoints("squat").fps
    until(page, lambda: abs(float(curves.locator("body").get_attribute("data-time") or 0) - whole / 2) < 0.015 * whole)
    until(page, lambda: abs(player.locator("#player").evaluate(
        "(root) => root.humanavPlayer.state.time") - whole / 2) < 0.1 + 0.015 * whole)
    page.wait_for_function("document.querySelector('#uplift-video video')?.readyState >= 2", timeout=60_000)
    assert page.locator("#uplift-numbers tbody tr").count() == 4
    motion = load_motion(download(page, "uplift-downloads", "motion.npz", tmp_path))
    assert len(motion) == len(sample_keypoints("squat"))
    assert download(page, "uplift-downloads", "joint_angles.csv", tmp_path).read_text().startswith("frame,seconds")
    assert download(page, "uplift-downloads", "motion.bvh", tmp_path).read_text().startswith("HIERARCHY")
    assert download(page, "uplift-downloads", "body.glb", tmp_path).read_bytes()[:4] == b"glTF"
    page.locator("#uplift-skeleton button").first.click()
    page.frame_locator("#uplift-skeleton iframe").locator(".js-plotly-plot").wait_for(timeout=60_000)


@pytest.mark.browser
@pytest.mark.slow
def test_points_of_an_unknown_layout_are_asked_for(page: Any, tmp_path: Path) -> None:
    strange = tmp_path / "strange.npz"
    np.savez(strange, keypoints=np.random.default_rng(0).uniform(100, 400, (20, 11, 3)).astype(np.float32))
    page.locator("#uplift-files input[type=file]").first.set_input_files(str(strange))
    page.get_by_text("strange.npz").first.wait_for(timeout=30_000)
    page.click("#lift")
    alert = page.locator("#uplift-status [role=alert]")
    alert.wait_for(timeout=120_000)
    assert "11 points" in alert.inner_text()
    assert "Traceback" not in alert.inner_text()
    page.locator("#uplift-layout").wait_for(timeout=20_000)  # the options are open
    page.locator("#lift:enabled").wait_for(timeout=20_000)
    assert page.get_by_text("strange.npz").first.is_visible()


def open_editor(page: Any) -> Any:
    """The editor's frame, once its first pose is shown."""
    page.locator("#uplift-parts").get_by_text("Pose a skeleton").click()
    frame = page.frame_locator("#skeleton-editor iframe")
    frame.locator("#editor[data-state=ready]").wait_for(timeout=180_000)
    page.locator("#skeleton-editor").scroll_into_view_if_needed()
    return frame


def inside(page: Any) -> Any:
    """The editor's frame, to run code in."""
    return page.locator("#skeleton-editor iframe").element_handle().content_frame()


def place_of(page: Any, joint: str) -> tuple[float, float]:
    """Where a joint of the drawing is on the page."""
    box = page.frame_locator("#skeleton-editor iframe").locator(
        f".se-joint:nth-child({skeleton_editor.skeleton()['names'].index(joint) + 1}) circle").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.browser
@pytest.mark.slow
def test_the_body_follows_a_dragged_joint(page: Any, capsys: pytest.CaptureFixture[str]) -> None:
    frame = open_editor(page)
    editor = inside(page)
    before = editor.evaluate("humanavEditor.answer().quaternions")
    editor.evaluate("humanavEditor.latencies.length = 0")
    x, y = place_of(page, "left_wrist")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 41):
        page.mouse.move(x + 2.5 * step, y - 5 * step)
        page.wait_for_timeout(25)
    page.mouse.up()
    page.wait_for_timeout(1500)
    latencies = editor.evaluate("humanavEditor.latencies")
    after = editor.evaluate("humanavEditor.answer().quaternions")
    now = place_of(page, "left_wrist")
    assert np.hypot(now[0] - x - 100, now[1] - y + 200) < 5
    moved = np.abs(np.array(after) - np.array(before)).max(axis=1)
    assert moved[[JOINT_INDEX["left_shoulder"], JOINT_INDEX["left_elbow"]]].max() > 0.1
    assert len(latencies) >= 5
    with capsys.disabled():
        print(f"\nfrom the pointer to the drawn body: median {statistics.median(latencies):.0f} ms, "
              f"{len(latencies)} updates")
    assert editor.evaluate("humanavEditor.player.state.ready") is True
    frame.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(800)
    back = place_of(page, "left_wrist")
    assert np.hypot(back[0] - x, back[1] - y) < 2


@pytest.mark.browser
@pytest.mark.slow
def test_the_editor_by_keys_and_buttons(page: Any, tmp_path: Path) -> None:
    frame = open_editor(page)
    x, y = place_of(page, "right_wrist")
    frame.locator(".se-joint[aria-label^='Right wrist']").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_timeout(600)
    moved = place_of(page, "right_wrist")
    assert moved[0] < x
    assert moved[1] < y
    page.keyboard.press("h")
    assert frame.locator(".se-joint[aria-label^='Right wrist'][aria-label$='hidden']").count() == 1
    assert frame.get_by_role("button", name="Show joint").is_enabled()
    count = int(frame.locator("#editor").get_attribute("data-lifted"))
    frame.get_by_role("button", name="Squat", exact=True).click()
    frame.get_by_role("button", name="Mirror").click()
    page.wait_for_function(
        f"Number(document.querySelector('#skeleton-editor iframe').contentDocument"
        f".querySelector('#editor').dataset.lifted) > {count}", timeout=30_000)
    with page.expect_download(timeout=60_000) as waiting:
        frame.get_by_role("button", name="npz").click()
    waiting.value.save_as(tmp_path / "pose.npz")
    assert len(load_motion(tmp_path / "pose.npz")) == 1


@pytest.mark.browser
@pytest.mark.slow
def test_a_photo_lies_under_the_skeleton(page: Any, sample: Path) -> None:
    open_editor(page)
    page.locator("#skeleton-photo button").first.click()
    page.locator("#skeleton-photo input[type=file]").first.set_input_files(str(sample))
    page.wait_for_function("document.querySelector('#skeleton-editor iframe').contentWindow.humanavEditor.state.photo",
                           timeout=120_000)
    editor = inside(page)
    assert editor.evaluate("humanavEditor.state.width") > 100
    assert editor.evaluate("humanavEditor.state.points.filter((point) => point.on).length") > 20


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_the_tab_fits_a_phone(browser: Any, app: RunningApp, dark: bool) -> None:
    context = calm(browser, 390, 844, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(f"{app.url}/?tab=uplift")
    page.wait_for_selector("#lift", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    open_editor(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
