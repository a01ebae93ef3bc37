"""Limbs that the keypoints do not tell: which they are, and what counts instead where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.fit.clip_kinematics import ClipState
from humanav.multiview.refine_means import over_neighbours
from humanav.multiview.refine_people import Person
from humanav.multiview.refine_targets import PixelTargets

LIMBS: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = (
    *(((c, c + 3, c + 5), tuple(f"{side}_{part}" for part in ("elbow", "wrist", "pinky", "index", "thumb")))
      for c, side in ((13, "left"), (14, "right"))),
    *(((h, h + 3), tuple(f"{side}_{part}" for part in ("knee", "ankle", "heel", "foot_index", "big_toe", "small_toe")))
      for h, side in ((1, "left"), (2, "right"))))
"""Joints that are turned, and the points on the limb, those first that tell where it is."""
_HARDLY = 0.02  # weight of frames with doubtful limbs when colours are learned
_DOUBTED = (3.0, 3.0, 0.1)  # by how much colour, the masks together and each mask count more where limbs are doubtful
_SURE = 0.3  # confidence of a point that tells where its limb is
_KNOWN = 0.4  # share of a limb's points over the views that must be used for the limb to be trusted
_REFUSED = 0.3  # share seen but refused from which on a limb is doubtful; where they only hide, those left tell enough
_SHORTEST = 3  # frames


@dataclass(frozen=True)
class Doubt:
    """Limbs that the keypoints do not tell.

    Attributes:
        limbs: (T,L) for each person.
    """

    limbs: tuple[NDArray[np.bool_], ...]

    @classmethod
    def of(cls, people: Sequence[Person], views: Sequence[bool], asked: bool = True) -> Doubt:
        """From how many of a limb's points agree between ``views`` (V,); nothing is doubted unless ``asked``."""
        use = np.asarray(views, bool)
        return cls(tuple(doubtful(person, use) & asked for person in people))

    @property
    def any(self) -> bool:
        """Whether there is any."""
        return any(bool(limbs.any()) for limbs in self.limbs)

    @property
    def frames(self) -> NDArray[np.bool_]:
        """(T,) in which anybody's limb is doubtful."""
        return np.asarray(np.any([limbs.any(axis=1) for limbs in self.limbs], axis=0))

    def forgotten(self, people: Sequence[Person]) -> list[Person]:
        """People without the keypoints of their doubtful limbs."""
        out = []
        for person, limbs in zip(people, self.limbs, strict=True):
            used = person.targets.used.copy()
            for k, (_, names) in enumerate(LIMBS):
                rows = [row for row, name in enumerate(person.targets.names) if name in names]
                used[:, :, rows] &= ~limbs[:, k, None, None]
            out.append(replace(person, targets=replace(person.targets, used=used)))
        return out

    def clear(self, targets: PixelTargets) -> PixelTargets:
        """Targets for colours: frames with doubtful limbs hardly count, where there are others."""
        doubtful = self.frames
        if (~doubtful).sum() < 2:
            return targets
        return replace(targets, scale=targets.scale * np.where(doubtful, _HARDLY, 1.0)[targets.frames][:, None])

    def weighed(self, targets: PixelTargets) -> PixelTargets:
        """In frames with doubtful limbs, which masks give to the wrong person as well, colour and everybody's masks
        together count more and each person's own mask hardly."""
        trust, doubtful = targets.trust.copy(), self.frames
        for f in np.flatnonzero(doubtful[targets.frames]):
            for first, _, _, width, height in targets.table[f]:
                trust[first : first + width * height] *= np.array(
                    [*_DOUBTED[:2], *[_DOUBTED[2]] * targets.people], np.float32)
        return replace(targets, trust=trust)

    def placed(self, start: Sequence[ClipState], found: Sequence[ClipState]) -> list[ClipState]:
        """The start with the doubtful limbs as they were found."""
        out = []
        for old, new, limbs in zip(start, found, self.limbs, strict=True):
            rotations = old.rotations.copy()
            for k, (joints, _) in enumerate(LIMBS):
                at = np.ix_(np.flatnonzero(limbs[:, k]), np.array(joints))
                rotations[at] = new.rotations[at]
            out.append(replace(old, rotations=rotations))
        return out


def doubtful(person: Person, views: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T,L) limbs of which few points agree between the views in use, for three frames or more: what holds between
    frames bridges shorter gaps."""
    from scipy.ndimage import binary_opening

    targets = person.targets
    out = np.zeros((len(targets.space), len(LIMBS)), bool)
    for k, (_, names) in enumerate(LIMBS):
        rows = [targets.names.index(name) for name in names[:2] if name in targets.names]
        if not rows:
            continue
        used = (targets.used & (targets.confidence > _SURE))[:, views][:, :, rows].mean(axis=(1, 2))
        refused = (~targets.used & (targets.confidence > 0))[:, views][:, :, rows].mean(axis=(1, 2))
        few = (over_neighbours(used) < _KNOWN) & (over_neighbours(refused) > _REFUSED) & person.seen
        out[:, k] = binary_opening(few, np.ones(_SHORTEST, bool))
    return out
