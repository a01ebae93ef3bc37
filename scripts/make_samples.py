"""Photograph the app's sample people into ``assets/samples``: three synthetic photos with nobody's likeness.

python scripts/make_samples.py
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from humanav.paths import asset
from humanav.synth import SyntheticPerson, photograph, sample_person
from humanav.synth.clothes import Garment
from humanav.synth.hair import Hair
from humanav.synth.materials import Cloth, Skin
from humanav.synth.template import body
from humanav.synth.wardrobe import Outfit

SIZE = (960, 1280)


def _with(
    person: SyntheticPerson,
    outfit: Outfit,
    hair: Hair,
    hair_color: tuple[float, float, float],
    iris: tuple[float, float, float],
    fill: float,
    woman: bool = True,
) -> SyntheticPerson:
    """Dress a sampled person, let them smile, and turn the head to the camera."""
    pose = person.pose.copy()
    pose[12] = pose[15] = np.array([0.0, np.radians(0.4 * person.scene.yaw), 0.0])
    mean = np.zeros_like(person.betas)
    usual = body().mean_betas["woman" if woman else "man"]
    mean[: len(usual)] = usual
    names = list(body().expression_names)
    expression = np.zeros_like(person.expression)
    for name, value in (("mouthSmile", 0.55), ("cheekSquint", 0.4), ("eyeSquint", 0.15), ("mouthDimple", 0.3)):
        for side in ("Left", "Right"):
            expression[names.index(name + side)] = value
    scene = replace(person.scene, fill=fill, pitch=3.0, focal=1.5, shift=(0.0, 0.012), wall_yaw=0.0)
    return replace(
        person,
        betas=mean + 0.4 * (person.betas - mean),
        pose=pose,
        expression=expression,
        outfit=outfit,
        hair=hair,
        hair_color=hair_color,
        iris=iris,
        scene=scene,
    )


def dress() -> SyntheticPerson:
    """A woman in a summer dress in a park."""
    fabric = Cloth("cotton", "floral", ((0.24, 0.33, 0.47), (0.86, 0.66, 0.62), (0.62, 0.72, 0.66)), 1.0, "", 0.0, 21)
    garments = (
        Garment("shoes", 0.0, top=-1.268, seed=3),
        Garment("top", -0.25, 0.27, neck="v", loose=0.05, seed=3),
        Garment("skirt", -0.88, top=-0.20, loose=0.5, flare=0.17, seed=3),
    )
    cloths = (
        Cloth("leather", "solid", ((0.62, 0.48, 0.36),), 1.0, "boot", 0.0, 1),
        fabric,
        replace(fabric, skirt=True),
    )
    skin = Skin((0.90, 0.74, 0.64), lips=0.75, brows=(0.24, 0.16, 0.11), brow_width=0.85, makeup=0.45, seed=5)
    person = sample_person(211, pose="a_pose", yaw=8, clothes="dress", place="park", woman=True)
    person = replace(person, scene=replace(person.scene, seed=22, floor="gravel", floor_tone=(0.74, 0.69, 0.60)))
    return _with(
        person,
        Outfit(garments, cloths, skin),
        Hair("long", -0.06, 0.55, 0.6, 0.0, 12),
        (0.30, 0.19, 0.12),
        (0.30, 0.42, 0.46),
        0.86,
    )


def shirt() -> SyntheticPerson:
    """A man in shirt and chinos in a room."""
    garments = (
        Garment("shoes", 0.0, top=-1.25, seed=4),
        Garment("bottom", -1.25, top=-0.27, loose=0.35, flare=0.1, seed=4),
        Garment("top", -0.41, 0.665, neck="shirt", loose=0.3, seed=4),
        Garment("jacket", 0.03, 0.16, neck="collar", loose=0.1, seed=4),
    )
    linen = Cloth("cotton", "solid", ((0.66, 0.75, 0.84), (0.5, 0.6, 0.7)), 1.0, "placket", -0.41, 8)
    cloths = (
        Cloth("leather", "solid", ((0.36, 0.23, 0.15),), 1.0, "boot", 0.0, 2),
        Cloth("cotton", "solid", ((0.62, 0.54, 0.42),), 1.0, "jeans", 0.0, 9),
        linen,
        linen,
    )
    skin = Skin((0.83, 0.64, 0.52), lips=0.15, brows=(0.10, 0.07, 0.055), brow_width=1.25, stubble=0.35, seed=6)
    person = sample_person(322, pose="a_pose", yaw=-10, clothes="casual", place="room", woman=False)
    person = replace(person, scene=replace(person.scene, seed=8, floor="planks", floor_tone=(0.74, 0.58, 0.42)))
    return _with(
        person,
        Outfit(garments, cloths, skin),
        Hair("parted", 0.0, 0.6, -0.7, 0.35, 31),
        (0.12, 0.085, 0.065),
        (0.27, 0.17, 0.09),
        0.87,
        woman=False,
    )


def sport() -> SyntheticPerson:
    """A woman in sportswear in a street."""
    garments = (
        Garment("shoes", 0.0, top=-1.245, seed=5),
        Garment("bottom", -1.20, top=-0.19, loose=0.0, seed=5),
        Garment("top", -0.33, 0.29, neck="crew", loose=0.15, seed=5),
    )
    cloths = (
        Cloth("cotton", "solid", ((0.42, 0.47, 0.55), (0.3, 0.3, 0.3)), 1.0, "sneaker", 0.0, 3),
        Cloth("sport", "solid", ((0.16, 0.18, 0.23),), 1.0, "", 0.0, 10),
        Cloth("sport", "block", ((0.80, 0.44, 0.34), (0.90, 0.87, 0.82), (0.24, 0.30, 0.40)), 1.0, "", -0.33, 11),
    )
    skin = Skin(
        (0.50, 0.34, 0.25), lips=0.55, brows=(0.07, 0.05, 0.045), brow_width=0.95, makeup=0.3, sock=-1.2, seed=7
    )
    person = sample_person(433, pose="a_pose", yaw=5, clothes="sport", place="street", woman=True)
    person = replace(person, scene=replace(person.scene, seed=36, floor="paving", floor_tone=(0.74, 0.70, 0.64)))
    return _with(
        person,
        Outfit(garments, cloths, skin),
        Hair("bob", 0.12, 0.5, 0.3, 0.0, 17),
        (0.07, 0.055, 0.05),
        (0.20, 0.12, 0.07),
        0.87,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=asset("samples"))
    parser.add_argument("--scale", type=float, default=1.0, help="of the pictures' size")
    parser.add_argument("names", nargs="*", default=["dress", "shirt", "sport"])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    width, height = (round(side * arguments.scale) for side in SIZE)
    for name in arguments.names:
        person = {"dress": dress, "shirt": shirt, "sport": sport}[name]()
        photo = photograph(person, size=(width, height), noise=0.6)
        Image.fromarray(photo.image).save(arguments.out / f"{name}.jpg", quality=92, subsampling=0)
        print(f"{name}: person {np.ptp(np.nonzero(photo.mask > 0.5)[0])} pixels tall")


if __name__ == "__main__":
    main()
