"""Take the picture: rasterise, paint and light a synthetic person, with exact ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.render import rasterize_mesh
from humanav.synth.lighting import KeyShadow, to_linear, to_srgb
from humanav.synth.materials import shade
from humanav.synth.person import SyntheticPerson
from humanav.synth.template import template

Array = NDArray[np.float32]


@dataclass(frozen=True)
class SyntheticPhoto:
    """A photograph and the truth about it. World: y up, metres, floor y = 0, the pelvis over the origin.

    Attributes:
        image: uint8 RGB (H,W,3).
        mask: (H,W) float32, share of each pixel that the person (with clothes and hair) covers.
        depth: (H,W) float32 camera z in metres of what is seen, inf at the sky.
        camera: the camera that took it.
        motion: the true pose, shape and place, one frame.
        betas: (B,) of the built-in body.
        vertices: (V,3) of the bare body under the clothes.
        joints: (55,3), with ``joints2d`` (55,2) in pixels.
        person: whom it shows; ``person.render(camera)`` shows them from elsewhere.
    """

    image: NDArray[np.uint8]
    mask: Array
    depth: Array
    camera: Camera
    motion: Motion
    betas: Array
    vertices: Array
    joints: Array
    joints2d: Array
    person: SyntheticPerson


def photograph(
    person: SyntheticPerson,
    camera: Camera | None = None,
    size: int | tuple[int, int] = 512,
    *,
    supersample: int = 2,
    noise: float = 1.0,
) -> SyntheticPhoto:
    """Photograph a person in their surroundings.

    Args:
        camera: by default the one the person's scene frames them with.
        size: side of a square picture, or (width, height); ignored when a camera is given.
        supersample: samples per pixel along each axis for the person's edges and texture.
        noise: sensor noise, 1 for a decent camera, 0 for none.
    """
    mesh = person.mesh
    if camera is None:
        width, height = (size, size) if isinstance(size, int) else size
        camera = person.scene.camera(mesh["points"][np.unique(mesh["faces"][mesh["owner"]])], width, height)
    color, alpha, owner, near = _foreground(person, camera, supersample)
    light = _lighting(person, max(camera.width, camera.height))
    seen, ground = person.scene.floor_hits(camera)
    floor_key = person.scene.light.key_light(ground[0], mesh["points"], mesh["faces"], light["shadow"])
    back, depth = person.scene.paint(camera, floor_key, _floor_ambient(light, ground[0]), seen, ground)
    linear = back * (1 - alpha[..., None]) + color
    image = _develop(linear, np.random.default_rng([person.seed, 3]), noise)
    depth = np.where(alpha > 0.5, near, depth)
    joints2d, _ = camera.project(person.joints)
    return SyntheticPhoto(
        image,
        owner,
        depth.astype(np.float32),
        camera,
        person.motion,
        person.betas,
        person.vertices,
        person.joints,
        joints2d.astype(np.float32),
        person,
    )


def render_person(
    person: SyntheticPerson, camera: Camera, background: tuple[int, int, int] | None, supersample: int
) -> tuple[NDArray[np.uint8], Array]:
    """See :meth:`SyntheticPerson.render`."""
    color, _, alpha, _ = _foreground(person, camera, supersample, only_person=True)
    plain = to_linear(np.array(background or (0, 0, 0), np.float32) / 255)
    image = _tone(color + (1 - alpha[..., None]) * plain)
    if background is not None:  # the tone curve must not touch a plain background
        image = np.where(alpha[..., None] <= 0, np.array(background, np.float32) / 255, image)
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8), alpha


def _lighting(person: SyntheticPerson, pixels: int) -> dict[str, Any]:
    """Light at every vertex and on a grid of the floor; depends on the pose and the scene only, so it is kept."""
    fine = pixels > 800
    cached = person.__dict__.get("_light")
    if cached is not None and cached["fine"] >= fine:
        return cached
    mesh, light = person.mesh, person.scene.light
    count, size = (72, 224) if fine else (24, 128)
    points, faces = mesh["points"], mesh["faces"]
    floor = _floor_grid()
    up = np.broadcast_to(np.array([0, 1, 0], np.float32), floor.shape)
    both = light.ambient(
        np.concatenate([points, floor]), np.concatenate([mesh["normals"], up]), points, faces, count, size, 0.12
    )
    ambient, grid = both[: len(points)], both[len(points) :].reshape(73, 73, 3)
    out = {"fine": fine, "ambient": ambient, "floor": grid, "shadow": 1024 if fine else 512}
    person.__dict__["_light"] = out
    return out


def _floor_grid() -> Array:
    """Points (73*73,3) of the floor within 1.8 m of the person."""
    side = np.linspace(-1.8, 1.8, 73)
    gz, gx = np.meshgrid(side, side, indexing="ij")
    return np.stack([gx.ravel(), np.zeros(gx.size), gz.ravel()], axis=1).astype(np.float32)


def _floor_ambient(light: dict[str, Any], points: Array) -> Array:
    """Bilinear look-up (K,3) in the floor grid; far away nothing is shadowed."""
    import cv2

    grid = light["floor"].astype(np.float32)
    u = np.clip((points[:, 0] + 1.8) / 3.6 * 72, 0, 72).astype(np.float32)
    v = np.clip((points[:, 2] + 1.8) / 3.6 * 72, 0, 72).astype(np.float32)
    chunk = 1 << 14  # OpenCV's maps may not be longer than 32767
    parts = [
        cv2.remap(grid, u[i : i + chunk, None], v[i : i + chunk, None], cv2.INTER_LINEAR)[:, 0]
        for i in range(0, len(u), chunk)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 3), np.float32)


def _foreground(
    person: SyntheticPerson, camera: Camera, supersample: int, only_person: bool = False
) -> tuple[Array, Array, Array, Array]:
    """Premultiplied linear colour (H,W,3), coverage of all meshes, coverage of the person, depth."""
    mesh = person.mesh
    faces, owner, material = mesh["faces"], mesh["owner"], mesh["material"]
    if only_person:
        faces, material, owner = faces[owner], material[owner], owner[owner]
    buffers = rasterize_mesh(mesh["points"], faces, camera.scaled(supersample))
    row, column = np.nonzero(buffers.triangle >= 0)
    triangle = buffers.triangle[row, column]
    light = _lighting(person, max(camera.width, camera.height))
    corner, bary = faces[triangle], buffers.barycentric[row, column]
    values = np.concatenate([mesh["points"], mesh["rest"], mesh["normals"], light["ambient"]], axis=1).astype(
        np.float32
    )
    mixed = sum(values[corner[:, k]] * bary[:, k, None] for k in range(3))
    assert isinstance(mixed, np.ndarray)
    position, rest, normal, ambient = np.split(mixed, 4, axis=1)
    key = person.scene.light.key_shadow(mesh["points"], mesh["faces"], light["shadow"])
    color = _light(person, camera, position, rest, normal, ambient, material[triangle], key)
    h, w, s = camera.height, camera.width, supersample
    full = np.zeros((h * s, w * s, 5), np.float32)
    # tone-map before averaging keeps bright specks from drawing jagged edges
    full[row, column, :3] = np.minimum(color, 1.6)
    full[row, column, 3] = 1
    full[row, column, 4] = owner[triangle]
    small = full.reshape(h, s, w, s, 5).mean(axis=(1, 3))
    depth = buffers.depth.reshape(h, s, w, s).min(axis=(1, 3))
    return small[..., :3], small[..., 3], small[..., 4], depth


def _light(
    person: SyntheticPerson,
    camera: Camera,
    position: Array,
    rest: Array,
    normal: Array,
    ambient: Array,
    material: NDArray[np.int64],
    shadow: KeyShadow,
) -> Array:
    """Linear colour (N,3) of surface points."""
    lights = person.scene.light
    hair_color = to_linear(person.hair_color)
    view = camera.center - position
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    flip = (normal * view).sum(axis=1) < 0
    # grazing smooth normals turn away a little; only clearly turned ones belong to the inside of a hem
    inside = (normal * view).sum(axis=1) < -0.25
    normal = np.where((flip & inside)[:, None], -normal, normal)
    key = shadow.lit(position + 0.006 * normal)
    out = np.zeros_like(position)
    half = view + lights.key_direction
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    for index in np.unique(material):
        at = material == index
        s = shade(person.materials[index], rest[at], template(), person.hair, hair_color)
        n = normal[at] + s.tilt - (s.tilt * normal[at]).sum(axis=1, keepdims=True) * normal[at]
        n /= np.linalg.norm(n, axis=1, keepdims=True)
        # relief changes how much sky a point sees, roughly by its tilt towards the light
        relief = 1 + 0.6 * ((n - normal[at]) @ lights.key_direction) + 0.25 * (n - normal[at])[:, 1]
        wrap = 0.35 * s.soft
        facing = (n @ lights.key_direction + wrap) / (1 + wrap)
        direct = np.clip(facing, 0, None)[:, None] * key[at][:, None] * lights.key
        # blood reddens the edge of the shadow on skin
        edge = (s.soft * np.exp(-(((facing - 0.12) / 0.16) ** 2)) * key[at])[:, None] * np.array(
            [0.07, 0.012, 0.004], np.float32
        )
        rim = np.clip(n @ lights.rim_direction, 0, None)[:, None] * lights.rim
        light = (
            direct
            + ambient[at] * np.clip(relief, 0.4, 1.6)[:, None]
            + edge * (index == 0)
            + rim * ambient[at].mean(axis=1, keepdims=True)
        )
        v = view[at]
        grazing = (1 - np.clip((n * v).sum(axis=1), 0, 1)) ** 4
        lobe = np.clip((n * half[at]).sum(axis=1), 0, 1) ** (4 * s.gloss) * (s.gloss + 2) / 14
        shine = (s.specular * lobe * key[at])[:, None] * lights.key
        sky = (s.specular * (0.15 + 0.85 * grazing) + s.sheen * grazing * 0.5)[:, None] * ambient[at]
        out[at] = s.albedo * light + shine + sky * 0.8
        out[at] *= np.where(inside[at], 0.55, 1.0)[:, None]
    return out


def _tone(linear: Array) -> Array:
    """Linear light to sRGB 0..1 with a camera's mild contrast."""
    image = to_srgb(linear)
    return image + 0.06 * np.sin((image - 0.5) * np.pi) * (image * (1 - image) * 4)


def _develop(linear: Array, rng: np.random.Generator, noise: float) -> NDArray[np.uint8]:
    """Exposure, tone curve, slight vignette, lens softness and sensor noise."""
    import cv2

    h, w = linear.shape[:2]
    v, u = np.mgrid[:h, :w]
    r2 = ((u - w / 2) ** 2 + (v - h / 2) ** 2) / (w * w + h * h) * 4
    image = _tone(linear * (1 - 0.13 * r2)[..., None])
    image = np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.45), np.float32)
    if noise > 0:
        grain = rng.normal(0, 0.007 * noise, (h, w, 1)) + rng.normal(0, 0.004 * noise, (h, w, 3))
        image = image + grain * (1.2 - image.mean(axis=2, keepdims=True))
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
