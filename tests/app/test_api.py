"""The API as programs use it: every function through ``gradio_client`` on a running app, and as tools over MCP."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.app.api import JOBS, QUESTIONS
from humanav.app.api_calls import local_files
from humanav.errors import InputError
from humanav.motion import load_clip
from humanav.motion.npz import save_npz
from tests.app.conftest import RunningApp

gradio_client = pytest.importorskip("gradio_client")
NAMES = {function.__name__ for function in (*JOBS, *QUESTIONS)}


@pytest.fixture(scope="module")
def client(app: RunningApp) -> Any:
    return gradio_client.Client(app.url, verbose=False, download_files=True)


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a clip."""
    return save_npz(load_clip("wave")[:15], tmp_path_factory.mktemp("motion") / "short.npz")


@pytest.fixture(scope="module")
def poses(client: Any) -> dict[str, Any]:
    """A result to ask more about."""
    return client.predict(count=4, seed=3, api_name="/random_poses")


def files_of(answer: dict[str, Any]) -> dict[str, Path]:
    """What a client has downloaded, by name, after a look at the rest of an answer."""
    assert answer["state"] == "done"
    assert len(answer["id"]) == 26
    assert answer["link"].endswith(f"?result={answer['id']}")
    files = {file["name"]: Path(file["file"]) for file in answer["files"]}
    assert files
    assert all(file["size"] == files[file["name"]].stat().st_size and file["purpose"] for file in answer["files"])
    return files


def test_every_function_is_listed_with_its_words(app: RunningApp) -> None:
    with urllib.request.urlopen(f"{app.url}/gradio_api/info") as answer:
        listed = json.loads(answer.read())["named_endpoints"]
    assert {name.lstrip("/") for name in listed} == NAMES  # and nothing of the page itself
    for function in (*JOBS, *QUESTIONS):
        words = function.__doc__ or ""
        parameters = [p["parameter_name"] for p in listed[f"/{function.__name__}"]["parameters"]]
        assert "request" not in parameters
        assert all(f"        {name}: " in words for name in parameters), function.__name__


def test_poses_and_what_can_be_asked_of_a_result(client: Any, poses: dict[str, Any]) -> None:
    assert "poses.npz" in files_of(poses)
    assert len(poses["report"]["distances"]) == 4
    again = client.predict(id=poses["link"], api_name="/get_result")
    assert (again["id"], again["title"]) == (poses["id"], "4 random poses")
    page = client.predict(id=poses["id"], title="Four poses", api_name="/share_page")
    text = Path(page["files"][0]["file"]).read_text()
    assert "Four poses" in text
    assert "<script" in text


def test_a_way_between_poses_of_a_clip_and_of_a_result(client: Any, poses: dict[str, Any]) -> None:
    answer = client.predict(start="squat", end=poses["id"], end_moment=1.0, api_name="/poses_between")
    assert {"path.npz", "comparison.glb"} <= set(files_of(answer))


def test_a_motion_is_cleaned_and_made_before_is_not_made_again(client: Any, motion: Path) -> None:
    asked = {"files": [gradio_client.handle_file(str(motion))], "damage": "noise", "api_name": "/clean_motion"}
    job = client.submit(**asked)
    files = files_of(job.result())
    assert np.load(files["denoised.npz"])["poses"].shape[0] == 15
    assert {said["state"] for said in job.outputs()} >= {"working", "done"}
    again = client.submit(**asked)
    assert files_of(again.result()).keys() == files.keys()
    assert [said["state"] for said in again.outputs()] == ["done"]


def test_keypoints_are_lifted(client: Any, tmp_path: Path) -> None:
    from humanav.jobs.uplift_samples import sample_keypoints
    from humanav.perception.keypoint_writing import write_keypoints

    keypoints = write_keypoints(sample_keypoints("squat")[:8], tmp_path / "squat.npz")
    answer = client.predict(files=[gradio_client.handle_file(str(keypoints))], draw="none", api_name="/lift_to_3d")
    assert {"motion.npz", "body.glb", "motion.bvh"} <= set(files_of(answer))


@pytest.mark.slow
def test_a_person_is_measured_made_an_avatar_and_moved(client: Any, sample: Path, poses: dict[str, Any]) -> None:
    photo = gradio_client.handle_file(str(sample))
    measured = client.predict(photo=photo, height=1.7, api_name="/measure_photo")["measurements"]
    assert measured["height"] == pytest.approx(1.7, abs=0.02)
    answer = client.predict(photo=photo, motion="wave", texture_size=1024, api_name="/make_avatar")
    assert {"avatar.glb", "motion.npz"} <= set(files_of(answer))
    assert answer["quality"]
    moved = client.predict(avatar=answer["id"], motion="bow", api_name="/animate_avatar")
    assert any(name.endswith(".glb") for name in files_of(moved))
    with pytest.raises(Exception, match="avatar"):
        client.predict(avatar=poses["id"], api_name="/animate_avatar")


@pytest.mark.slow
def test_a_clip_is_tracked(client: Any) -> None:
    from humanav.jobs.track_samples import SAMPLE_CLIPS, sample_clip

    clip = gradio_client.handle_file(str(sample_clip(next(iter(SAMPLE_CLIPS)))))
    answer = client.predict(clip=clip, end=0.4, fps=10, api_name="/track_video")
    assert {"motion.npz", "motion.bvh", "body.glb"} <= set(files_of(answer))
    with pytest.raises(Exception, match="At most 60 seconds"):
        client.predict(clip=clip, end=70.0, api_name="/track_video")


@pytest.mark.slow
def test_a_capture_is_reconstructed(client: Any, tmp_path: Path) -> None:
    from humanav.paths import asset

    films = sorted(asset("samples/hug").iterdir())
    capture = Path(shutil.make_archive(str(tmp_path / "hug"), "zip", films[0].parent))
    answer = client.predict(files=[gradio_client.handle_file(str(capture))], refine="off", end=0.1, find_offsets=False,
                            mend_cameras=False, api_name="/reconstruct_capture")
    files = files_of(answer)
    assert answer["report"]["names"] == ["cam1", "cam2", "cam3", "cam4"]
    assert [np.load(files[f"motion_{person}.npz"])["poses"].shape for person in (1, 2)] == [(2, 165)] * 2
    assert {"body_1.glb", "body_2.glb", "cameras.json"} <= set(files)


@pytest.mark.parametrize(("asked", "said"), [
    ({"motion": "/etc/passwd", "api_name": "/clean_motion"}, "There is no motion '/etc/passwd'"),
    ({"id": "a" * 26, "api_name": "/get_result"}, "There is no such result here"),
    ({"id": "../records", "api_name": "/get_result"}, "There is no such result here"),
    ({"files": [], "api_name": "/lift_to_3d"}, "There is nothing to lift"),
    ({"files": ["/etc/passwd"], "api_name": "/reconstruct_capture"}, "A file is handed over as an upload"),
    ({"files": [{"path": "/etc/passwd"}], "api_name": "/clean_motion"}, "not here"),
    ({"count": 1000, "api_name": "/random_poses"}, "48"),
])
def test_what_cannot_be_done_is_said_in_a_sentence(client: Any, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(gradio_client.exceptions.AppError) as caught:
        client.predict(**asked)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_come_as_uploads_or_by_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    (found,) = local_files("data:text/plain;base64,aGVsbG8=")
    assert found.read_text() == "hello"
    assert local_files({"path": str(found)}, None, [{"path": str(found)}]) == [found, found]
    with pytest.raises(InputError, match="not here"):
        local_files({"path": __file__})  # a file of this machine that nobody uploaded
    with pytest.raises(InputError, match="could not be fetched"):
        local_files("http://127.0.0.1:9/nothing.npz")  # an address inside the machine is not asked
    with pytest.raises(InputError, match="handed over as an upload"):
        local_files(str(tmp_path))


def test_health_is_told_to_monitors(app: RunningApp) -> None:
    for _ in range(600):
        with urllib.request.urlopen(f"{app.url}/health") as answer:
            state = json.loads(answer.read())
        if state["warm"]:
            break
        time.sleep(0.1)
    assert state["status"] == "ok"
    assert state["line"].startswith("Ready")
    assert 0.1 < state["memory_gb"] < 6
    assert state["jobs_waiting"] == 0


def test_the_tools_of_an_mcp_server(app: RunningApp) -> None:
    mcp = pytest.importorskip("mcp")
    http = pytest.importorskip("mcp.client.streamable_http")

    async def session() -> tuple[Any, Any, Any]:
        async with http.streamablehttp_client(f"{app.url}/gradio_api/mcp/") as (read, write, _), \
                mcp.ClientSession(read, write) as tools:
            await tools.initialize()
            listed = await tools.list_tools()
            made = await tools.call_tool("random_poses", {"count": 2, "seed": 5})
            failed = await tools.call_tool("clean_motion", {"motion": "nothing"})
            return listed, made, failed

    listed, made, failed = asyncio.run(session())
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == NAMES
    avatar = tools["make_avatar"]
    assert avatar.description.startswith("Make a textured, rigged 3D avatar of the person in one photo")
    schema = avatar.inputSchema["properties"]
    assert avatar.inputSchema["required"] == ["photo"]
    assert (schema["photo"]["type"], schema["back"]["type"]) == ("string", "string")
    assert "metres" in schema["height"]["description"]
    assert not made.isError
    assert "poses.npz" in made.content[0].text
    assert app.url in made.content[0].text  # addresses to fetch the files from
    assert failed.isError
    assert "There is no motion 'nothing'" in failed.content[0].text
