"""The entries of the fuzz cases: each reads an upload as the page or the command line does, and looks at what came."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np


def silent() -> Any:
    """Progress that nobody hears."""
    from humanav.progress import Progress

    return Progress(20)


def picture(source: Any, out: Path) -> None:
    """The photo of an avatar."""
    from humanav.perception import load_image

    pixels = load_image(source)
    assert pixels.dtype == np.uint8, pixels.dtype
    assert pixels.ndim == 3, pixels.shape
    assert min(pixels.shape[:2]) >= 16 <= max(pixels.shape[:2]) <= 2048, pixels.shape


def photo(source: Any, out: Path) -> None:
    """The whole first half of a photo's job: a person is looked for."""
    from humanav.jobs.sight import sight

    sight(source, silent(), ("a", "b", "c"))


def clip(source: Any, out: Path) -> None:
    """The clip of a track: opened as the job does, its first frames decoded."""
    from humanav.jobs.track_sources import find_clip
    from humanav.perception.video import open_video

    found = find_clip(source)
    options: dict[str, Any] = {} if found.frames is None else {"frames": found.frames}
    with open_video(found.path, fps=30, max_side=640, **options) as video:
        assert len(video) * video.width * video.height > 0
        frames = [frame.shape for frame in islice(video, 40)]
    assert set(frames) <= {(video.height, video.width, 3)}, frames[:3]


def lifted(source: Any, out: Path) -> None:
    """The source of an uplift."""
    from humanav.jobs.uplift_sources import look

    seen = look(source, silent(), "a")
    assert np.isfinite(seen.sequence.keypoints).all()
    assert len(seen.sequence) > 0
    assert seen.sequence.fps > 0


def motion(source: Any, out: Path) -> None:
    """The motion of a cleaning, with its skeleton or the names of its joints when the source is a tuple."""
    from humanav.jobs.denoise import open_motion

    main, asf, names = source if isinstance(source, tuple) else (source, None, None)
    loaded = open_motion(main, asf=asf, joint_map=names)
    assert np.isfinite(loaded.motion.full_pose).all()
    assert np.isfinite(loaded.motion.transl).all()
    assert 0 < loaded.motion.fps < 1e5


def dance(source: Any, out: Path) -> None:
    """The motion of an avatar."""
    from humanav.jobs import resolve_motion

    found = resolve_motion(source)
    assert len(found) > 0
    assert np.isfinite(found.full_pose).all()


def cleaned(source: Any, out: Path) -> None:
    """The whole job of a cleaning."""
    from humanav.jobs import denoise_motion

    result = denoise_motion(source, out=out / "result")
    assert result.path("denoised.npz").is_file()


def calibration(source: Any, out: Path) -> None:
    """A calibration of several cameras."""
    from humanav.multiview.calibration import read_calibration

    rig = read_calibration(source)
    for camera in rig.cameras:
        assert np.isfinite(camera.K).all()
        assert np.isfinite(camera.R).all()
        assert np.isfinite(camera.t).all()
        assert abs(np.linalg.det(camera.R) - 1) < 1e-3


def capture(source: Any, out: Path) -> None:
    """A capture as the job of several views reads it."""
    from humanav.jobs.multiview_options import MultiviewOptions
    from humanav.jobs.multiview_source import read_capture, source_key

    options = MultiviewOptions()
    source_key(source, options)
    read_capture(source, options, out)


def unpacked(source: Any, out: Path) -> None:
    """A zip of a visitor."""
    from humanav.multiview.capture import unpack

    unpack(source, out / "zip")


def boards(source: Any, out: Path) -> None:
    """Pictures of a checkerboard."""
    from humanav.multiview.boards_folder import calibrate_from_boards

    calibrate_from_boards(source)


def result(source: Any, out: Path) -> None:
    """A result folder: none of its files may lie elsewhere."""
    from humanav.results import Result

    found = Result.load(source)
    home = Path(source).resolve()
    for file in found.files:
        assert found.path(file.name).resolve().is_relative_to(home), file.name


def tracked(source: Any, out: Path) -> None:
    """The result of a track that an avatar is to move by."""
    from humanav.jobs.tracked import load_tracked

    found = load_tracked(source)
    assert len(found.cameras) == len(found.motion)


def moved(source: Any, out: Path) -> None:
    """An avatar's result that is to be moved."""
    from humanav.jobs import animate_avatar

    animate_avatar(source, "walk", out=out / "moved")


def avatar(source: Any, out: Path) -> None:
    """A saved avatar."""
    from humanav.avatar.avatar import Avatar

    found = Avatar.load(source)
    assert np.isfinite(found.vertices).all()


def gaussians(source: Any, out: Path) -> None:
    """A saved Gaussian avatar."""
    from humanav.avatar.gaussian.value import GaussianAvatar

    GaussianAvatar.load(source)


def measurements(source: Any, out: Path) -> None:
    """A file of measurements on the page of the body shape."""
    from humanav.uplift.measurement_input import read_measurements, understand

    assert understand(read_measurements(source)).values


def body(source: Any, out: Path) -> None:
    """A licensed body model that somebody brings."""
    from humanav.body import BodyModel

    BodyModel.load(source)


def numbers_of(source: Any, out: Path) -> None:
    """The arrays of a data set."""
    from humanav.motion.pickles import read_numbers

    read_numbers(source)


def dataset(source: Any, out: Path) -> None:
    """A data set with known people."""
    from humanav.multiview.datasets import read_dataset

    read_dataset(source)


def splats(source: Any, out: Path) -> None:
    """A file of Gaussians."""
    from humanav.export.splats import read_splat_ply

    assert len(read_splat_ply(source).means) >= 0


def markers(source: Any, out: Path) -> None:
    """Points over time as other programs write them."""
    from humanav.export import read_c3d, read_trc

    found = (read_trc if Path(source).suffix == ".trc" else read_c3d)(source)
    assert found.points.ndim == 3


def openpose(source: Any, out: Path) -> None:
    """People of one picture that OpenPose found."""
    from humanav.perception.openpose import read_openpose

    for person in read_openpose(source, (640, 480)):
        assert np.isfinite(person.keypoints).all()


def camera(source: Any, out: Path) -> None:
    """A saved camera."""
    from humanav.camera import Camera

    Camera.load(source)


def settings(source: Any, out: Path) -> None:
    """The settings of a training."""
    from humanav.posendf.config import PoseNDFConfig
    from humanav.uplift.config import UpliftConfig

    (UpliftConfig if "uplift" in Path(source).name else PoseNDFConfig).load(source)


def record(source: Any, out: Path) -> None:
    """What a store knows of a result, and the folder that it would serve for it."""
    import shutil

    from humanav.store import Store

    store = Store(out / "store", least_free=0)
    name = "a" * 26
    shutil.copyfile(source, out / "store" / "records" / f"{name}.json")
    store.sweep()
    for entry in store.mine("key"):
        assert store.folder(entry.id).parent == store.results
    store.find(name)
