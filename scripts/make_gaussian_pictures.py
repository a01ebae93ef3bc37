"""Make the picture of the notebook about Gaussian avatars, from a sample photo (a few minutes).

    python scripts/make_gaussian_pictures.py
"""

from __future__ import annotations

import numpy as np
from make_docs_pictures import save
from make_track_pictures import photographed
from numpy.typing import NDArray

from humanav.avatar import Avatar, build_avatar
from humanav.avatar.gaussian import GaussianAvatar, GaussianTraining, build_gaussian_avatar
from humanav.avatar.gaussian.generators import frame_camera
from humanav.body import BodyModel
from humanav.motion import fit_to_shape, in_place, load_clip
from humanav.paths import asset, home
from humanav.perception import load_image
from humanav.render import render_mesh
from humanav.view import contact_sheet

Picture = NDArray[np.uint8]
MOVES = (("dance", 0.35, 0.0), ("celebrate", 0.5, 0.0), ("squat", 0.45, 60.0), ("walk", 0.3, -50.0))
PAPER = (237, 240, 242)


def main() -> None:
    """Write notebooks/images/06_gaussian_avatar.png."""
    body = BodyModel.load()
    view = photographed("shirt.jpg", body)
    mesh = build_avatar([view], view.motion.betas, body)
    trained = build_gaussian_avatar(mesh, [view], GaussianTraining(minutes=None), body=body).trained.avatar
    own = view.motion.full_pose[0]
    poses = [(own, 0.0), (own, 120.0)]
    for name, when, yaw in MOVES:
        clip = in_place(fit_to_shape(load_clip(name), body, mesh.betas))
        poses.append((clip.full_pose[int(when * len(clip))], yaw))
    rows = [drawn(mesh, trained, pose, yaw) for pose, yaw in poses]
    pictures = [load_image(asset("samples", "shirt.jpg")), *(mesh_one for mesh_one, _ in rows),
                thinned(trained, mesh, own), *(one for _, one in rows)]
    labels = ["the photo", *["textured mesh"] * len(rows), "the Gaussians, shrunk", *["Gaussian avatar"] * len(rows)]
    save(contact_sheet(pictures, labels, columns=1 + len(rows), height=330, max_width=1400),
         home() / "notebooks" / "images" / "06_gaussian_avatar.png")


def drawn(mesh: Avatar, avatar: GaussianAvatar, pose: NDArray[np.float32], yaw: float) -> tuple[Picture, Picture]:
    """The mesh and the Gaussians in one pose from one side."""
    place = np.zeros(3, np.float32)
    camera = frame_camera(mesh, pose, place, yaw, 5.0, 480)
    flat, _ = render_mesh(mesh.pose(pose, place), mesh.faces, camera, texture=mesh.texture, uv=mesh.uv,
                          uv_faces=mesh.uv_faces, unlit=True, background=PAPER)
    soft = avatar.render(camera, pose, place, background=np.array(PAPER) / 255)
    return flat, (soft.rgb * 255 + 0.5).astype(np.uint8)


def thinned(avatar: GaussianAvatar, mesh: Avatar, pose: NDArray[np.float32]) -> Picture:
    """Every Gaussian smaller, so that it can be seen."""
    from dataclasses import replace

    return drawn(mesh, replace(avatar, log_scales=avatar.log_scales - 0.9), pose, 0.0)[1]


if __name__ == "__main__":
    main()
