"""A synthetic person: shape, pose, clothes, hair and surroundings, sampled from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.synth.backdrop import Place
from humanav.synth.clothes import layers
from humanav.synth.hair import Hair, hair_surfaces, hairline
from humanav.synth.materials import HairColor, Iris, Material, Plain
from humanav.synth.poses import GROUPS, POSES, make_pose
from humanav.synth.scene import Scene, sample_scene
from humanav.synth.surface import Surface, clip
from humanav.synth.template import body, template
from humanav.synth.wardrobe import Outfit, sample_look

Array = NDArray[np.float32]
Look = Literal["any", "dress", "casual", "formal", "sport"]


@dataclass(frozen=True)
class SyntheticPerson:
    """One person and the place they stand in. World: y up, metres, floor y = 0, pelvis over the origin.

    Attributes:
        betas: (B,) shape of the built-in body.
        expression: (E,) face.
        pose: (55,3) axis-angle; the root is the heading as posed, facing +z.
        hair: haircut, with ``hair_color`` sRGB.
        outfit: garments and their materials, inner to outer, and the skin.
        iris: sRGB of the eyes.
        scene: place, light, camera.
        pose_name: label of the pose.
        seed: what it was sampled from.
    """

    betas: Array
    expression: Array
    pose: Array
    hair: Hair
    hair_color: tuple[float, float, float]
    outfit: Outfit
    iris: tuple[float, float, float]
    scene: Scene
    pose_name: str = "relaxed"
    seed: int = 0
    sits: bool = field(default=False)

    @cached_property
    def materials(self) -> list[Material]:
        """Materials by index: skin, eyes, hair, prop, then one per garment."""
        return [
            self.outfit.skin,
            Iris(self.iris),
            HairColor(self.hair, self.hair_color),
            Plain((0.62, 0.50, 0.38)),
            *self.outfit.cloths,
        ]

    @cached_property
    def surfaces(self) -> list[Surface]:
        """Skin, eyes, garments and hair in the T-pose."""
        t, model = template(), body()
        shaped = model.rest(self.betas, self.expression)[0].numpy().astype(np.float32)
        pieces = layers(t, shaped, self.outfit.garments, tuple(range(4, 4 + len(self.outfit.garments))), 0)
        skin = pieces[0]
        eyes = Surface(
            shaped,
            t.points,
            t.weights,
            t.faces[((t.part == 1) | (t.part == 2))[t.faces[:, 0]]],
            np.ones(len(shaped), np.float32),
            1,
        )
        # the eyeballs come out of the skin's faces and get a material of their own
        ball = np.linalg.norm(skin.rest[:, None] - t.eyes[None], axis=2).min(axis=1) < 0.0185
        is_eye = ball[skin.faces].all(axis=1) & _is_part(skin, t.points, t.part)
        pieces[0] = replace(skin, faces=skin.faces[~is_eye])
        if self.hair.style not in ("bald", "buzz"):  # no scalp shows through thick hair
            deep = hairline(skin.rest, self.hair.style, t, self.hair.seed) - 0.014
            pieces[0] = clip(replace(pieces[0], keep=-deep.astype(np.float32)))
        dressed = np.concatenate([p.points for p in pieces])
        return [*pieces, eyes, *hair_surfaces(t, shaped, dressed, self.hair, 2)]

    @cached_property
    def _skeleton(self) -> tuple[Array, Array, Array]:
        """Rest joints (55,3), posed joints (55,3) and global rotations (55,3,3) before the person is placed."""
        model = body()
        rest = model.rest(self.betas, self.expression)[1].numpy()
        out = model(torch.as_tensor(self.pose)[None], self.betas, self.expression, vertices=False)
        return rest, out.joints[0].numpy(), out.rotations[0].numpy()

    @cached_property
    def posed(self) -> list[Array]:
        """World positions of every surface's points."""
        rest, joints, rotation = self._skeleton
        offset = joints - np.einsum("jik,jk->ji", rotation, rest)
        transforms = np.concatenate([rotation, offset[..., None]], axis=2).astype(np.float32)
        points = [s.pose(transforms) for s in self.surfaces]
        low = min(float(p[np.unique(s.faces), 1].min()) for p, s in zip(points, self.surfaces))
        move = np.array([-joints[0, 0], -low, -joints[0, 2]], np.float32)
        self.__dict__["transl"] = move
        return [p + move for p in points]

    @property
    def motion(self) -> Motion:
        """The true pose, one frame."""
        _ = self.posed
        return Motion.from_full_pose(
            self.pose[None], 30.0, self.__dict__["transl"][None], self.betas, self.expression[None], name=self.pose_name
        )

    @cached_property
    def joints(self) -> Array:
        """True joints (55,3) in the world."""
        _ = self.posed
        return (self._skeleton[1] + self.__dict__["transl"]).astype(np.float32)

    @cached_property
    def vertices(self) -> Array:
        """True vertices (V,3) of the bare body in the world."""
        _ = self.posed
        out = body()(
            torch.as_tensor(self.pose)[None],
            self.betas,
            self.expression,
            torch.as_tensor(self.__dict__["transl"])[None],
        )
        assert out.vertices is not None
        return out.vertices[0].numpy().astype(np.float32)

    @cached_property
    def mesh(self) -> dict[str, Any]:
        """All surfaces joined: points, rest, normals, faces, and material and owner (True: the person) of each face."""
        from humanav.synth.surface import normals

        points, rest, normal, faces, material, count = [], [], [], [], [], 0
        for surface, posed in zip(self.surfaces, self.posed):
            points.append(posed)
            rest.append(surface.rest)
            normal.append(normals(posed, surface.faces))
            faces.append(surface.faces + count)
            material.append(np.full(len(surface.faces), surface.material))
            count += len(posed)
        owner = np.ones(sum(map(len, faces)), bool)
        if self.sits:
            box, box_faces, box_normals = _seat(self)
            points.append(box)
            rest.append(box)
            normal.append(box_normals)
            faces.append(box_faces + count)
            material.append(np.full(len(box_faces), 3))
            owner = np.concatenate([owner, np.zeros(len(box_faces), bool)])
        return {
            "points": np.concatenate(points).astype(np.float32),
            "rest": np.concatenate(rest).astype(np.float32),
            "normals": np.concatenate(normal).astype(np.float32),
            "faces": np.concatenate(faces),
            "material": np.concatenate(material),
            "owner": owner,
        }

    def render(
        self, camera: Camera, background: tuple[int, int, int] | None = None, supersample: int = 2
    ) -> tuple[NDArray[np.uint8], Array]:
        """The person alone from another view: uint8 RGB (H,W,3) on ``background`` (black when None) and alpha (H,W)."""
        from humanav.synth.photograph import render_person

        return render_person(self, camera, background, supersample)


def _is_part(skin: Surface, points: Array, part: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Faces (F,) of the skin surface that belong to an eyeball of the template."""
    from scipy.spatial import cKDTree

    distance, index = cKDTree(points[(part == 1) | (part == 2)]).query(skin.rest, distance_upper_bound=1e-5)
    del index
    return (distance < 1e-5)[skin.faces].all(axis=1)


def _seat(person: SyntheticPerson) -> tuple[Array, NDArray[np.int64], Array]:
    """A box under a sitting person: vertices, faces, normals."""
    t = template()
    near = (t.weights[:, [0, 1, 2]].sum(axis=1) > 0.6) & (t.points[:, 1] < -0.38)
    seat = person.vertices[near]
    top = float(np.percentile(seat[:, 1], 3)) - 0.008
    hips = person.joints[[1, 2]].mean(axis=0)
    knees = person.joints[[4, 5]].mean(axis=0)
    low, high = np.array([-0.27, 0.0, hips[2] - 0.28]), np.array([0.27, top, 0.55 * knees[2] + 0.45 * hips[2]])
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float) * (high - low) + low
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    axes = [(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)]
    vertices, faces, outward = [], [], []
    for k, (quad, axis) in enumerate(zip(quads, axes)):
        vertices += [corners[q] for q in quad]
        faces += [[4 * k, 4 * k + 1, 4 * k + 2], [4 * k, 4 * k + 2, 4 * k + 3]]
        outward += [axis] * 4
    return np.array(vertices, np.float32), np.array(faces), np.array(outward, np.float32)


def sample_person(
    seed: int,
    *,
    pose: str = "standing",
    yaw: float | None = None,
    clothes: Look = "any",
    place: Place | None = None,
    fill: float | None = None,
    full_pose: Array | None = None,
    woman: bool | None = None,
) -> SyntheticPerson:
    """A random person, always the same for the same arguments.

    Args:
        pose: the name of one pose (:data:`humanav.synth.POSES`) or of a group: "standing", "ordinary", "action", "any".
        yaw: degrees from which the camera looks, 0 the front; by default random within 60 degrees.
        clothes: what is worn.
        place: where; by default random.
        fill: height of the person as a share of the picture's height.
        full_pose: (22,3) or (55,3) axis-angle to use instead of a hand-made pose; its heading is turned to face +z.
        woman: whose average build the shape scatters about; by default random.
    """
    rng = np.random.default_rng([seed, 20])
    model = body()
    drawn = bool(rng.random() < 0.5) or clothes == "dress"
    woman = drawn if woman is None else woman
    mean = np.asarray(model.mean_betas["woman" if woman else "man"], np.float32)
    betas = np.zeros(model.num_betas, np.float32)
    spread = np.clip(rng.normal(0, 1, len(mean)), -2, 2) * 0.75
    betas[: len(mean)] = mean + spread
    expression = np.zeros(model.num_expressions, np.float32)
    names = list(model.expression_names)
    for name, value in (
        ("mouthSmile", rng.uniform(0.05, 0.7)),
        ("eyeSquint", rng.uniform(0, 0.35)),
        ("cheekSquint", rng.uniform(0, 0.3)),
    ):
        for k, label in enumerate(names):
            if label.startswith(name):
                expression[k] = value
    joints = model.rest(betas, expression)[1].numpy()
    name = str(rng.choice(GROUPS[pose])) if pose in GROUPS else pose
    if full_pose is not None:
        name, full = "given", _face_front(np.asarray(full_pose, np.float32), joints, rng)
    else:
        if name not in POSES:
            raise ValueError(f"There is no pose '{pose}'; choose one of {', '.join((*POSES, *GROUPS))}.")
        full = make_pose(name, joints, rng)
    look = sample_look(rng, woman, clothes)
    turn = float(rng.uniform(-60, 60)) if yaw is None else yaw
    return SyntheticPerson(
        betas,
        expression,
        full,
        look.hair,
        look.hair_color,
        look.outfit,
        look.iris,
        sample_scene(rng, turn, place, fill),
        name,
        seed,
        name == "sitting",
    )


def _face_front(pose: Array, joints: Array, rng: np.random.Generator) -> Array:
    """A pose turned about the vertical so that its chest faces +z, with relaxed fingers where it has none."""
    import roma

    full = np.zeros((55, 3), np.float32)
    full[: len(pose)] = pose
    if len(pose) == 22:
        from humanav.synth.poses import Poser

        hands = Poser(joints)
        hands.curl(rng)
        full[25:] = hands.rotvec()[25:]
    local = roma.rotvec_to_rotmat(torch.as_tensor(full)).numpy()
    chest = local[0] @ local[3] @ local[6] @ local[9]
    facing = chest[:, 2] + local[0][:, 2]
    angle = np.arctan2(facing[0], facing[2])
    level = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]], np.float32)
    full[0] = roma.rotmat_to_rotvec(torch.as_tensor(level @ local[0])).numpy()
    return full
