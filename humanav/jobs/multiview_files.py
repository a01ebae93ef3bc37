"""The files of a capture: people in 3D, motions, bodies, avatars, cameras, and other programs' layouts."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.value import Fitted, Matched, Rig, Sightings
from humanav.perception.person import Person2D
from humanav.results import ResultWriter

if TYPE_CHECKING:
    from humanav.avatar.gaussian import GaussianAvatar
    from humanav.body import BodyModel
    from humanav.motion import Motion

POINTS, PEOPLE, BEFORE_AFTER, CAMERAS, ABOUT = ("points3d.npz", "people.glb", "before_after.glb", "cameras.json",
                                                "capture.json")
_BLENDER = "Python and the SMPL-X add-on of Blender"
_AMASS = "tools that read AMASS (SMPL-H)"
_BVH = "Blender, MotionBuilder, Maya and Cinema 4D"
_GLB = "Blender, Unity, three.js and Windows 3D Viewer"
_TRC = "OpenSim, Pose2Sim and Mokka"
_C3D = "Visual3D, Mokka, MATLAB and ezc3d"
_PLY = "SuperSplat, Spark, PlayCanvas and other splat viewers"


def suffixes(ids: Sequence[str]) -> dict[str, str]:
    """What follows "motion" and "body" in each person's file names."""
    return {person: f"_{person}" for person in ids} if len(ids) > 1 else dict.fromkeys(ids, "")


def plain_name(view: str) -> str:
    """A view's name as part of a file name."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in view)


def who(person: str, ids: Sequence[str]) -> str:
    """Whose file it is, in words; empty for the only person."""
    return f" of person {person}" if len(ids) > 1 else ""


def write_points(writer: ResultWriter, matched: Matched) -> None:
    """Everybody's keypoints in the world, for Python and for programs of biomechanics."""
    from humanav.export.c3d import write_c3d
    from humanav.export.trc import write_trc
    from humanav.multiview.value import KEYPOINT_SETS

    first = matched.people[0]
    np.savez_compressed(
        writer.add(POINTS, "Everybody's keypoints in metres, y up, with what each view saw of them", "Python"),
        keypoints=np.stack([person.keypoints for person in matched.people]).astype(np.float32),
        chosen=np.stack([person.chosen for person in matched.people]),
        swapped=np.stack([person.swapped for person in matched.people]),
        used=np.stack([person.used for person in matched.people]),
        residual=np.stack([person.residual for person in matched.people]).astype(np.float32),
        keypoint_set=np.array(first.keypoint_set), names=np.array(KEYPOINT_SETS[first.keypoint_set]),
        people=np.array([person.person_id for person in matched.people]), views=np.array(matched.names),
        fps=np.array(matched.fps))
    ids = [person.person_id for person in matched.people]
    for person in matched.people:
        name, whose = suffixes(ids)[person.person_id], who(person.person_id, ids)
        labels = KEYPOINT_SETS[person.keypoint_set]
        write_trc(writer.add(f"points{name}.trc", f"The keypoints{whose} as markers", _TRC), person.keypoints, labels,
                  matched.fps)
        write_c3d(writer.add(f"points{name}.c3d", f"The keypoints{whose} as markers", _C3D), person.keypoints, labels,
                  matched.fps)


def write_motions(writer: ResultWriter, fitted: Fitted, body: BodyModel) -> None:
    """Each person's motion and moving body."""
    from humanav.export import write_body_glb
    from humanav.motion import save_npz, write_bvh
    from humanav.view.colors import person_color

    ids = [person.person_id for person in fitted.people]
    for person in fitted.people:
        name, whose, motion = suffixes(ids)[person.person_id], who(person.person_id, ids), person.motion
        color = [float((value / 255) ** 2.2) for value in person_color(person.person_id)]
        save_npz(motion, writer.add(f"motion{name}.npz", f"The motion{whose} as SMPL-X parameters", _BLENDER),
                 "blender")
        save_npz(motion, writer.add(f"motion{name}_amass.npz", f"The same{whose} in the style of AMASS", _AMASS),
                 "amass")
        write_bvh(motion, writer.add(f"motion{name}.bvh", f"The motion{whose} as a skeleton animation", _BVH), body)
        write_body_glb(body, motion.betas, {motion.name or "motion": motion},
                       writer.add(f"body{name}.glb", f"The body{whose}, moving", _GLB), color=color)


def write_cameras(writer: ResultWriter, rig: Rig) -> None:
    """The cameras as EasyMocap's files and as plain JSON."""
    from humanav.multiview.calibration import write_calibration

    write_calibration(rig, writer.add(CAMERAS, "The cameras of all views: K, R, t, distortion, metres, y up",
                                      "any program"), kind="json")
    for path in write_calibration(rig, writer.folder, kind="easymocap"):
        writer.add(path.name, "The cameras as EasyMocap writes them", "EasyMocap and AvatarPose")


def write_openpose_zip(writer: ResultWriter, matched: Matched, sightings: Sightings) -> None:
    """What each view saw of everybody, person by person, as OpenPose's files."""
    from humanav.perception.openpose import as_openpose25, write_openpose

    path = writer.add("openpose.zip", "The matched 2D keypoints of every view as OpenPose JSON, people in one order",
                      "OpenPose's readers, Pose2Sim, EasyMocap")
    with tempfile.TemporaryDirectory(dir=writer.folder.parent) as place, zipfile.ZipFile(
            path, "w", zipfile.ZIP_DEFLATED) as archive:
        file = Path(place) / "frame.json"
        for view, name in enumerate(map(plain_name, matched.names)):
            for t in range(matched.frames):
                people = [as_openpose25(_person2d(sightings, person.chosen[t, view], t, view))
                          for person in matched.people]
                write_openpose(people, file)
                archive.write(file, f"{name}_json/{name}_{t:012d}_keypoints.json")


def _person2d(sightings: Sightings, detection: int, frame: int, view: int) -> Person2D:
    """What a view saw of a person; all zeros where it saw nothing, so that the next one keeps their place."""
    points = sightings.keypoints[frame, view, max(detection, 0)].astype(np.float32)
    if detection < 0:
        points = np.zeros_like(points)
    seen = points[points[:, 2] > 0, :2]
    box = np.concatenate([seen.min(0), seen.max(0)]) if len(seen) else np.zeros(4)
    return Person2D(points, sightings.keypoint_set, box.astype(np.float32), float(points[:, 2].mean()))


def write_avatarpose_zip(
    writer: ResultWriter, matched: Matched, fitted: Fitted, rig: Rig, name: str, refined: Fitted | None = None
) -> None:
    """AvatarPose's own layout: matched and fitted, and refined where there is that."""
    from humanav.export.persona import zip_folder
    from humanav.multiview.avatarpose_files import write_avatarpose

    with tempfile.TemporaryDirectory(dir=writer.folder.parent) as place:
        root = Path(place) / (name or "capture")
        root.mkdir()
        write_avatarpose(root, matched, fitted, rig)
        if refined is not None:
            write_avatarpose(root, matched, refined, rig, log="humanav")
        zip_folder(root, writer.add("avatarpose.zip", "Keypoints, bodies and cameras in AvatarPose's folder layout",
                                    "AvatarPose, humanav"))


def write_avatars(
    writer: ResultWriter, avatars: dict[str, GaussianAvatar], motions: dict[str, Motion], body: BodyModel
) -> None:
    """Each person's Gaussian avatar: splats, what plays in a browser, and a GLB in its colours."""
    from humanav.export import write_avatar_ply, write_avatar_splats
    from humanav.export.people_scene import Actor, write_scene_glb

    ids = list(avatars)
    for person, avatar in avatars.items():
        name, whose, motion = suffixes(ids)[person], who(person, ids), motions[person]
        write_avatar_splats(avatar, writer.add(splats_name(person, ids), f"The Gaussians{whose} with the motion, for "
                                               "the player", preview=True), {"motion": motion})
        write_avatar_ply(avatar, writer.add(f"avatar{name}.ply", f"The Gaussian avatar{whose} in the T-pose", _PLY))
        avatar.save(writer.add(f"avatar{name}.npz", f"The Gaussian avatar{whose}, to pose and draw it again",
                               "humanav"))
        dressed = Actor(f"person {person}", motion, colors=vertex_colors(avatar, body))
        write_scene_glb(body, {"avatar": [dressed]}, writer.add(
            f"avatar{name}.glb", f"The body{whose} in the avatar's colours, moving", _GLB))


def splats_name(person: str, ids: Sequence[str]) -> str:
    """The file of a person's Gaussians for the player."""
    return f"avatar{suffixes(ids)[person]}.splats"


def vertex_colors(avatar: GaussianAvatar, body: BodyModel) -> NDArray[np.float32]:
    """(V,3) linear colours of the body's vertices: each takes those of the Gaussians that lie on its faces, by how near
    and how opaque they are; others take their neighbours'."""
    from scipy.spatial import cKDTree

    faces = np.asarray(_numpy(body.faces), np.int64)
    vertices = np.asarray(_numpy(body.rest(avatar.betas if avatar.betas.size else None)[0]), np.float64)
    own = avatar.anchor < len(faces)
    share = avatar.barycentric[own] * avatar.opacities[own][:, None]
    corner = faces[avatar.anchor[own]]
    total, color = np.zeros(len(vertices)), np.zeros((len(vertices), 3))
    np.add.at(total, corner, share)
    np.add.at(color, corner, share[..., None] * avatar.rgb[own][:, None])
    known = total > 1e-3
    color[known] /= total[known, None]
    if known.any() and not known.all():
        tree = cKDTree(vertices[known])
        away, near = tree.query(vertices[~known], k=min(4, int(known.sum())))
        near, away = near.reshape(len(near), -1), np.maximum(away.reshape(len(near), -1), 1e-6)
        weight = 1 / away
        color[~known] = (color[known][near] * weight[..., None]).sum(1) / weight.sum(1, keepdims=True)
    return np.asarray(np.clip(color, 0, 1) ** 2.2, np.float32)


def order(writer: ResultWriter) -> None:
    """The files as a visitor looks for them."""
    first = ("people", "overlay", "motion", "body", "avatar", "contact", "before", "points", "cameras", "intri",
             "extri", "openpose", "capture")

    def place(name: str) -> tuple[int, str]:
        found = next((k for k, start in enumerate(first) if name.startswith(start)), len(first))
        return (len(first) - 1, name) if name == "avatarpose.zip" else (found, "")

    writer.files.sort(key=lambda file: place(file.name))


def _numpy(value: Any) -> NDArray[Any]:
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
