"""What a synthetic person looks like: skin, hair colour and coordinated clothes in muted palettes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from humanav.synth.clothes import Garment
from humanav.synth.hair import Hair
from humanav.synth.materials import Cloth, Detail, Fabric, Pattern, Skin

RGB = tuple[float, float, float]

SKIN_TONES: tuple[RGB, ...] = (
    (0.94, 0.80, 0.72),
    (0.91, 0.75, 0.65),
    (0.86, 0.68, 0.56),
    (0.80, 0.61, 0.48),
    (0.70, 0.51, 0.38),
    (0.58, 0.40, 0.29),
    (0.45, 0.30, 0.21),
    (0.36, 0.235, 0.17),
)
HAIR_COLORS: tuple[RGB, ...] = (
    (0.07, 0.055, 0.05),
    (0.13, 0.09, 0.07),
    (0.22, 0.145, 0.10),
    (0.33, 0.22, 0.14),
    (0.46, 0.32, 0.19),
    (0.62, 0.47, 0.29),
    (0.76, 0.62, 0.42),
    (0.45, 0.19, 0.09),
    (0.55, 0.54, 0.53),
    (0.80, 0.79, 0.77),
)
EYES: tuple[RGB, ...] = (
    (0.20, 0.12, 0.07),
    (0.26, 0.16, 0.08),
    (0.33, 0.24, 0.12),
    (0.30, 0.38, 0.42),
    (0.28, 0.42, 0.55),
    (0.30, 0.38, 0.24),
)
# muted, wearable: neutrals, earths, blues, and a few accents
NEUTRAL: tuple[RGB, ...] = (
    (0.93, 0.92, 0.89),
    (0.86, 0.83, 0.77),
    (0.66, 0.66, 0.66),
    (0.34, 0.35, 0.37),
    (0.12, 0.12, 0.135),
    (0.13, 0.16, 0.25),
    (0.50, 0.45, 0.38),
)
TOPS: tuple[RGB, ...] = (
    *NEUTRAL,
    (0.55, 0.65, 0.75),
    (0.27, 0.38, 0.54),
    (0.58, 0.22, 0.20),
    (0.72, 0.36, 0.26),
    (0.78, 0.60, 0.30),
    (0.33, 0.42, 0.31),
    (0.56, 0.63, 0.52),
    (0.82, 0.66, 0.64),
    (0.45, 0.25, 0.34),
    (0.20, 0.40, 0.42),
    (0.62, 0.55, 0.70),
    (0.88, 0.78, 0.62),
)
BOTTOMS: tuple[RGB, ...] = (
    (0.16, 0.17, 0.20),
    (0.20, 0.24, 0.33),
    (0.62, 0.55, 0.44),
    (0.42, 0.40, 0.36),
    (0.33, 0.36, 0.30),
    (0.55, 0.54, 0.53),
    (0.36, 0.27, 0.21),
    (0.83, 0.80, 0.74),
)
JEANS: tuple[RGB, ...] = (
    (0.29, 0.35, 0.44),
    (0.38, 0.45, 0.54),
    (0.20, 0.23, 0.30),
    (0.54, 0.60, 0.67),
    (0.15, 0.15, 0.16),
)
SHOES: tuple[RGB, ...] = (
    (0.90, 0.89, 0.86),
    (0.10, 0.10, 0.11),
    (0.32, 0.20, 0.13),
    (0.45, 0.42, 0.40),
    (0.18, 0.22, 0.34),
    (0.55, 0.38, 0.25),
    (0.62, 0.25, 0.22),
)


@dataclass(frozen=True)
class Outfit:
    """Clothes from the inside out, the fabric of each, and the skin below."""

    garments: tuple[Garment, ...]
    cloths: tuple[Cloth, ...]
    skin: Skin


@dataclass(frozen=True)
class Appearance:
    """Outfit, haircut and colours of one person."""

    outfit: Outfit
    hair: Hair
    hair_color: RGB
    iris: RGB


def _pick(rng: np.random.Generator, colors: tuple[RGB, ...]) -> RGB:
    base = np.asarray(colors[rng.integers(len(colors))]) * rng.uniform(0.92, 1.06) + rng.normal(0, 0.012, 3)
    return tuple(float(c) for c in np.clip(base, 0.02, 0.96))  # type: ignore[return-value]


def _accents(rng: np.random.Generator, base: RGB) -> tuple[RGB, RGB, RGB]:
    """A colour and two that go with it: one far in lightness, one anything."""
    light = np.mean(base) > 0.5
    second = _pick(
        rng,
        ((0.13, 0.16, 0.25), (0.34, 0.30, 0.28), (0.45, 0.20, 0.20), (0.22, 0.33, 0.36))
        if light
        else ((0.92, 0.90, 0.86), (0.80, 0.72, 0.60), (0.72, 0.76, 0.80), (0.80, 0.62, 0.58)),
    )
    return base, second, _pick(rng, TOPS)


def _dye(
    rng: np.random.Generator,
    colors: tuple[RGB, ...],
    fabric: Fabric,
    patterns: tuple[Pattern, ...],
    detail: Detail = "",
    hem: float = 0.0,
) -> Cloth:
    seed = int(rng.integers(1 << 14))
    return Cloth(
        fabric,
        patterns[rng.integers(len(patterns))],
        _accents(rng, _pick(rng, colors)),
        float(rng.uniform(0.8, 1.4)),
        detail,
        hem,
        seed,
    )


def _choose(rng: np.random.Generator, **shares: float) -> str:
    names = list(shares)
    p = np.array([shares[n] for n in names])
    return str(rng.choice(names, p=p / p.sum()))


def sample_look(rng: np.random.Generator, woman: bool, clothes: str = "any") -> Appearance:
    """Draw skin, hair and clothes; ``clothes`` is "any", "dress", "casual", "formal" or "sport"."""
    style = clothes
    if style == "any":
        style = _choose(rng, casual=0.52, formal=0.2, sport=0.14, dress=0.2 if woman else 0.0)
    tone_index = int(rng.integers(len(SKIN_TONES)))
    tone = _pick(rng, SKIN_TONES[tone_index : tone_index + 1])
    dark = tone_index >= 4
    hair_color = _pick(rng, HAIR_COLORS[:3] if dark else HAIR_COLORS)
    hair_style = (
        _choose(rng, long=0.34, bob=0.2, bun=0.16, ponytail=0.22, short=0.08, afro=0.12 if dark else 0.0)
        if woman
        else _choose(rng, short=0.5, parted=0.24, buzz=0.12, bald=0.04, bun=0.03, afro=0.14 if dark else 0.02)
    )
    length = {
        "long": rng.uniform(-0.16, 0.06),
        "bob": rng.uniform(0.10, 0.155),
        "ponytail": rng.uniform(-0.05, 0.12),
    }.get(hair_style, 0.0)
    beard = float(rng.uniform(0.5, 1.0)) if (not woman and rng.random() < 0.3) else 0.0
    hair = Hair(
        hair_style,  # type: ignore[arg-type]
        float(length),
        float(rng.uniform(0.15, 0.9)),
        float(rng.choice([-1, 1]) * rng.uniform(0.3, 1)),
        beard,
        int(rng.integers(1 << 14)),
    )
    garments: list[Garment] = []
    cloths: list[Cloth] = []

    def wear(garment: Garment, cloth: Cloth) -> None:
        garments.append(garment)
        cloths.append(replace(cloth, skirt=garment.kind == "skirt"))

    u, seed = rng.uniform, int(rng.integers(1 << 14))
    sock = -9.0
    long_sleeve, short_sleeve = float(u(0.655, 0.685)), float(u(0.27, 0.34))
    cuff = float(u(-1.265, -1.235))
    shoe_top, shoe_detail, shoe_fabric, shoe_colors = -1.245, "sneaker", "cotton", SHOES
    if style == "dress":
        shoe_top, shoe_detail, shoe_fabric, shoe_colors = -1.268, "boot", "leather", SHOES[1:6]
        waist = -0.20
        cloth = _dye(
            rng, TOPS, "cotton" if u() < 0.7 else "silk", ("solid", "solid", "floral", "floral", "dots", "stripes")
        )
        sleeve = float(rng.choice([0.12, 0.12, short_sleeve, 0.25, long_sleeve]))
        neck = str(rng.choice(["scoop", "v", "crew"]))
        hem = float(u(-1.05, -0.72))
        if u() < 0.3 and hem > -0.85:
            wear(
                Garment("bottom", -1.31, top=-0.25, loose=0.0, seed=seed), Cloth("silk", "solid", ((0.10, 0.09, 0.10),))
            )
        wear(Garment("top", waist - 0.05, sleeve, neck=neck, loose=0.05, seed=seed), cloth)
        wear(Garment("skirt", hem, top=waist, loose=float(u(0.2, 0.8)), flare=float(u(0.08, 0.3)), seed=seed), cloth)
    elif style == "sport":
        tights = woman and u() < 0.6
        bottom = float(rng.choice([-0.70, -0.76, cuff]))
        if tights:
            wear(
                Garment("bottom", float(rng.choice([-1.22, -1.0, -0.72])), top=-0.19, loose=0.0, seed=seed),
                _dye(rng, BOTTOMS[:2] + TOPS[7:9], "sport", ("solid",)),
            )
        else:
            wear(
                Garment(
                    "bottom", bottom, top=-0.24, loose=float(u(0.5, 1)), flare=0.6 if bottom > -1 else 0.0, seed=seed
                ),
                _dye(rng, BOTTOMS, "sport", ("solid",), "side_stripe"),
            )
        wear(
            Garment(
                "top",
                -0.37 if not tights else -0.34,
                float(rng.choice([0.12, short_sleeve, short_sleeve, long_sleeve])),
                neck=str(rng.choice(["crew", "scoop"])),
                loose=float(u(0.0, 0.5)),
                seed=seed + 1,
            ),
            _dye(rng, TOPS, "sport", ("solid", "block", "solid", "print")),
        )
        sock = float(u(-1.2, -1.1))
    else:
        formal = style == "formal"
        skirted = woman and u() < (0.3 if formal else 0.16)
        tucked = skirted or (u() < (0.75 if formal else 0.15))
        top_kind = (
            _choose(rng, shirt=0.9, knit=0.35)
            if formal
            else _choose(rng, tee=0.42, shirt=0.2, knit=0.22, hoodie=0.14, tank=0.1 if woman else 0.02)
        )
        waist = -0.245 if woman else -0.285
        top_hem = waist - 0.08 if tucked else float(u(-0.44, -0.37))
        if top_kind == "tee":
            top = (
                Garment(
                    "top",
                    top_hem,
                    short_sleeve,
                    neck=str(rng.choice(["crew", "crew", "v", "scoop" if woman else "crew"])),
                    loose=float(u(0.1, 0.8)),
                    seed=seed,
                ),
                _dye(rng, TOPS, "cotton", ("solid", "solid", "stripes", "print", "heather"), "", top_hem),
            )
        elif top_kind == "tank":
            top = (
                Garment("top", top_hem, 0.115, neck="scoop", loose=float(u(0.0, 0.4)), seed=seed),
                _dye(rng, TOPS, "cotton", ("solid", "stripes", "heather")),
            )
        elif top_kind == "knit":
            top = (
                Garment(
                    "top",
                    top_hem,
                    long_sleeve,
                    neck=str(rng.choice(["crew", "high", "v"])),
                    loose=float(u(0.3, 0.9)),
                    seed=seed,
                ),
                _dye(rng, TOPS, "knit", ("solid", "solid", "stripes", "heather"), "", top_hem),
            )
        elif top_kind == "hoodie":
            top = (
                Garment("top", top_hem, long_sleeve, neck="crew", loose=1.0, seed=seed),
                _dye(rng, TOPS, "cotton", ("solid", "heather", "print"), "pocket", top_hem),
            )
        else:
            sleeve = long_sleeve if formal or u() < 0.7 else float(u(0.36, 0.42))
            top = (
                Garment("top", top_hem, sleeve, neck="shirt", loose=float(u(0.2, 0.6)), seed=seed),
                _dye(
                    rng,
                    TOPS if not formal else NEUTRAL[:2] + TOPS[7:8],
                    "cotton",
                    ("solid", "pinstripe", "check", "plaid") if not formal else ("solid", "pinstripe"),
                    "placket",
                    top_hem,
                ),
            )
        if skirted:
            bottom_piece = (
                Garment(
                    "skirt",
                    float(u(-0.95, -0.66)),
                    top=-0.215,
                    loose=float(u(0.1, 0.7)),
                    flare=float(u(0.02, 0.3)),
                    seed=seed + 2,
                ),
                _dye(rng, BOTTOMS + TOPS[8:12], "wool" if formal else "cotton", ("solid", "solid", "plaid", "floral")),
            )
            if u() < 0.6:
                wear(
                    Garment("bottom", -1.31, top=-0.25, loose=0.0, seed=seed),
                    Cloth("silk", "solid", ((0.09, 0.09, 0.10),)),
                )
        else:
            jeans = not formal and u() < 0.55
            short = not formal and u() < 0.18
            fabric: Fabric = "denim" if jeans else ("wool" if formal else "cotton")
            bottom_piece = (
                Garment(
                    "bottom",
                    float(u(-0.80, -0.66)) if short else cuff,
                    top=waist,
                    loose=float(u(0.1, 0.8)),
                    flare=float(rng.choice([0.0, 0.0, 0.5])),
                    seed=seed + 2,
                ),
                _dye(rng, JEANS if jeans else BOTTOMS, fabric, ("solid",), "jeans" if jeans else ""),
            )
            sock = -1.2 if short and u() < 0.5 else sock
        order = (top, bottom_piece) if tucked else (bottom_piece, top)
        for garment, cloth in order:
            wear(garment, cloth)
        if top[0].neck == "shirt":
            wear(Garment("jacket", 0.03, 0.16, neck="collar", loose=0.1, seed=seed), top[1])
        if u() < (0.5 if formal else 0.2) and not skirted:
            coat = u() < 0.25
            color = _dye(
                rng,
                BOTTOMS + NEUTRAL[3:6],
                "wool" if formal or coat else str(rng.choice(["denim", "leather", "cotton"])),  # type: ignore[arg-type]
                ("solid", "solid", "pinstripe") if formal else ("solid",),
                "lapel" if formal or coat else "",
            )
            opening = float(u(0.008, 0.05))
            wear(
                Garment(
                    "jacket",
                    -0.44 if not coat else -0.40,
                    long_sleeve,
                    neck="v",
                    loose=float(u(0.2, 0.6)),
                    opening=opening,
                    seed=seed + 4,
                ),
                color,
            )
            if coat:
                wear(
                    Garment(
                        "skirt",
                        float(u(-0.95, -0.72)),
                        top=-0.33,
                        loose=0.0,
                        flare=float(u(0.04, 0.12)),
                        opening=opening,
                        seed=seed + 4,
                    ),
                    color,
                )
        if formal:
            shoe_top, shoe_detail, shoe_fabric, shoe_colors = -1.25, "boot", "leather", SHOES[1:3]
        elif u() < 0.25:
            shoe_top, shoe_detail, shoe_fabric, shoe_colors = -1.19, "boot", "leather", SHOES[1:6]
    shoe = Cloth(shoe_fabric, "solid", _accents(rng, _pick(rng, shoe_colors)), 1.0, shoe_detail, 0.0, seed)  # type: ignore[arg-type]
    inner = int(garments[0].hem < -1.3)  # tights go inside the shoes, trousers over them
    garments.insert(inner, Garment("shoes", 0.0, top=shoe_top, seed=seed))
    cloths.insert(inner, shoe)
    skin = Skin(
        tone,
        lips=float(u(0.35, 1.0)) if woman else float(u(0.0, 0.25)),
        brows=tuple(0.8 * c for c in hair_color),  # type: ignore[arg-type]
        brow_width=float(u(0.75, 1.0)) if woman else float(u(1.05, 1.45)),
        makeup=float(u(0, 0.9)) if woman else 0.0,
        stubble=float(u(0, 0.35)) if not woman else 0.0,
        sock=sock,
        sock_color=_pick(rng, NEUTRAL),
        seed=seed,
    )
    return Appearance(
        Outfit(tuple(garments), tuple(cloths), skin), hair, hair_color, _pick(rng, EYES[:3] if dark else EYES)
    )
