"""Pictures painted onto a mesh: the texels that a picture shows and no photo saw take its colours."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from humanav.avatar.avatar import Avatar, Floats
from humanav.camera import Camera
from humanav.render import interpolate, rasterize_mesh, rasterize_uv, vertex_normals

PAINTED = 128
"""Confidence of a texel whose colour was generated; photos leave 255."""
_LEAST_FACING = 0.25
_SLACK = 0.01  # metres


def painted(
    avatar: Avatar, full_pose: Floats, transl: Floats, camera: Camera, picture: Floats, where: Floats
) -> Avatar:
    """The avatar with a picture (H,W,3) 0..1 of it in a pose painted on.

    Args:
        where: (H,W) 0..1 the part of the picture that counts.

    Returns:
        An avatar with another texture and confidence. Texels of a confidence of 128 or more stay as they are; others
        that the picture shows, not too aslant and not behind something, are mixed with it as ``where`` says.
    """
    side = avatar.texture.shape[0]
    texels = rasterize_uv(avatar.uv, avatar.uv_faces, side)
    faces = avatar.faces.astype(np.int64)
    vertices = avatar.pose(full_pose, transl)
    rows, columns = np.nonzero(texels.mask & (avatar.confidence < PAINTED))
    if not len(rows):
        return avatar
    place = interpolate(texels, faces, vertices)[rows, columns]
    normal = interpolate(texels, faces, vertex_normals(vertices, faces))[rows, columns]
    pixels, depth = camera.project(place)
    toward = camera.center - place
    facing = (normal * toward).sum(axis=1) / np.maximum(np.linalg.norm(toward, axis=1), 1e-9)
    x, y = (pixels - 0.5).astype(np.float32).T
    inside = (pixels > 0).all(axis=1) & (pixels < (camera.width, camera.height)).all(axis=1) & (depth > 0.05)
    near = rasterize_mesh(vertices, faces, camera).depth
    column, row = (np.clip(pixels[:, k].astype(int), 0, size - 1)
                   for k, size in ((0, camera.width), (1, camera.height)))
    open_ = inside & (facing > _LEAST_FACING) & (depth < near[row, column] + _SLACK)

    def sampled(image: Floats) -> Floats:
        # remap wants pictures of at most 32,767 pixels a side: one column of samples after the other
        width = 4096
        padded = -len(x) % width
        across, down = (np.pad(axis, (0, padded)).reshape(-1, width) for axis in (x, y))
        found = cv2.remap(np.ascontiguousarray(image, np.float32), across, down, cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found.reshape(-1, *image.shape[2:])[: len(x)], dtype=np.float32)

    share = np.where(open_, sampled(where), 0) * np.clip((facing - _LEAST_FACING) / 0.25, 0, 1)
    new = np.clip(sampled(picture), 0, 1) * 255
    texture, confidence = avatar.texture.copy(), avatar.confidence.copy()
    old = texture[rows, columns].astype(np.float32)
    texture[rows, columns] = np.round(old + share[:, None] * (new - old)).astype(np.uint8)
    confidence[rows, columns] = np.where(share > 0.5, PAINTED, confidence[rows, columns])
    return replace(avatar, texture=texture, confidence=confidence)
