"""Make the pictures about the manifold of poses: one for the README, one for its notebook (half a minute).

    python scripts/make_posendf_pictures.py
"""

from __future__ import annotations

import numpy as np
from make_docs_pictures import save
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.motion import Motion, load_clip
from humanav.paths import asset, home
from humanav.posendf import NAMES, PoseNDF, generate, interpolate, motion_to_quats, project, repair, with_quats
from humanav.posendf.corrupt import axis_angle_noise, freeze, hyperextend, missing_limb, swap_limbs, twist
from humanav.posendf.quaternions import axis_angle_to_quats, slerp
from humanav.render import render_mesh
from humanav.view import contact_sheet

import torch  # isort: skip  (humanav first: it sets how torch's threads wait)

VIRIDIS = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], float)
SIZE = (230, 340)


def main() -> None:
    """Write assets/docs/posendf.jpg and notebooks/images/03_pose_ndf.png."""
    field, body = PoseNDF.load(), BodyModel.load()
    walk = motion_to_quats(load_clip("walk"))
    one, generator = walk[12][None], torch.Generator().manual_seed(4)
    dance = motion_to_quats(load_clip("dance"))
    broken = torch.cat([
        swap_limbs(walk[20][None], generator, limbs="legs", mirrored=False)[0],
        twist(one, generator, joints=(NAMES.index("left_shoulder"),))[0],
        hyperextend(one, generator, joints=(NAMES.index("right_knee"),))[0],
        freeze(one, dance[40][None], generator, limbs=("right_arm",))[0],
        missing_limb(one, generator, limbs=("left_leg",), fill="random")[0]])
    labels = ["swapped legs", "twisted arm", "knee backwards", "frozen arm", "missing leg"]
    mended = repair(field, broken).quats
    start = axis_angle_noise(one, 0.3, torch.Generator().manual_seed(1))[0]
    way = project(field, start, keep_path=True).path
    assert way is not None
    steps = [0, 6, 15, 35, len(way) - 1]
    made = generate(field, 5, seed=5)
    squat, jump = (motion_to_quats(load_clip(name)) for name in ("squat", "jumping_jack"))
    ends = squat[len(squat) // 2], jump[len(jump) * 2 // 5]
    path = interpolate(field, *ends, 25)[::6]
    straight = torch.stack([slerp(*ends, part) for part in torch.linspace(0, 1, 25).tolist()])[::6]

    def shown(poses: torch.Tensor) -> list[NDArray[np.uint8]]:
        return [picture(pose, body) for pose in poses]

    rows = [*zip(shown(broken), labels), *zip(shown(mended), ["repaired"] * 5)]
    more = [*zip(shown(way[steps, 0]), [f"step {k}: {float(field(way[k])):.2f} rad" for k in steps]),
            *zip(shown(made), ["generated"] * 5)]
    save(contact_sheet([p for p, _ in rows + more], [t for _, t in rows + more], columns=10, height=240,
                       max_width=1900), asset("docs") / "posendf.jpg")
    rows += [*more, *zip(shown(straight), ["slerp"] * 5), *zip(shown(path), ["on the manifold"] * 5)]
    people = contact_sheet([p for p, _ in rows], [t for _, t in rows], columns=10, height=240, max_width=1900)
    chart = contact_sheet([heat_map(field, one)], ["the field: hip across, knee upwards"], columns=1,
                          height=len(people) - 60, max_width=1900)
    high = max(len(people), len(chart))
    both = [np.pad(part, ((0, high - len(part)), (0, 0), (0, 0)), constant_values=255) for part in (chart, people)]
    save(contact_sheet([np.concatenate(both, axis=1)], columns=1, height=high, max_width=1600),
         home() / "notebooks" / "images" / "03_pose_ndf.png")


def picture(quats: torch.Tensor, body: BodyModel) -> NDArray[np.uint8]:
    """One pose (21,4) as a rendered body."""
    motion = with_quats(Motion.from_full_pose(np.zeros((1, 22, 3))), quats[None])
    vertices = body.from_motion(motion).vertices[0].numpy()
    middle = (vertices.max(axis=0) + vertices.min(axis=0)) / 2
    camera = Camera.orbit(middle, 4.0, 25, 6, *SIZE, focal=1.85 * SIZE[1])
    return render_mesh(vertices, body.faces, camera)[0]


def heat_map(field: PoseNDF, pose: torch.Tensor, cells: int = 120) -> NDArray[np.uint8]:
    """The distance of a pose (1,21,4) whose left hip (-60 to 130 degrees, across) and knee (-80 to 150, up) bend."""
    hip, knee = np.linspace(-60, 130, cells), np.linspace(150, -80, cells)
    grid = pose.repeat(cells * cells, 1, 1)
    for joint, degrees in (("left_hip", -np.tile(hip, cells)), ("left_knee", np.repeat(knee, cells))):
        turn = torch.zeros(len(grid), 3)
        turn[:, 0] = torch.from_numpy(np.radians(degrees)).float()
        grid[:, NAMES.index(joint)] = axis_angle_to_quats(turn)
    values = field(grid).numpy().reshape(cells, cells)
    part = (values - values.min()) / np.ptp(values)
    colors = np.stack([np.interp(part, np.linspace(0, 1, 5), VIRIDIS[:, k]) for k in range(3)], axis=-1)
    return np.repeat(np.repeat(colors.astype(np.uint8), 3, axis=0), 3, axis=1)


if __name__ == "__main__":
    main()
