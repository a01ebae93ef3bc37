"""The stages of accurate mode for one take, each kept on disk where a folder is given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from humanav import __version__
from humanav.body import BodyModel
from humanav.body.kinematics import Array
from humanav.camera import Camera
from humanav.errors import StorageError
from humanav.fit import stature
from humanav.fit.clip_kinematics import ClipState
from humanav.perception.takes import Take
from humanav.progress import Progress
from humanav.track.clip_details import fit_details
from humanav.track.clip_evidence import Evidence, Footing
from humanav.track.clip_fit import NUM_BETAS, ClipFit, livelier, start_state
from humanav.track.clip_observations import Mended, observe_body
from humanav.track.clip_start import BODY, TakeStart
from humanav.track.contacts import foot_contacts, standing
from humanav.track.ground import find_ground
from humanav.track.path import BodyPath
from humanav.uplift.level import gravity
from humanav.uplift.smooth import smooth_rotations

_CALM = 0.035
"""Seconds over which the fitted rotations are averaged: what trembles faster is the landmarks' noise."""


def fit_take(
    take: Take, start: TakeStart, camera: Camera, body: BodyModel, *, mended: Mended | None = None,
    height: float | None = None, shape: NDArray[np.float32] | None = None,
    tilt: tuple[float, float] | None = None, moving: bool = False, work: Path | None = None,
    progress: Progress | None = None, share: tuple[float, float] = (0.0, 1.0),
) -> BodyPath:
    """Fit one take as a whole.

    Args:
        take: what was seen, mended.
        mended: how it was mended, and the depth.
        start: the lifted take.
        camera: its K counts.
        body: the body.
        height: of the person, metres.
        shape: (B,) betas that are known.
        tilt: pitch and roll of the camera in degrees, where known.
        moving: the camera moves, so that standing feet do not stand still before it.
        work: folder in which each step is kept.
        progress: told of the parts done, from ``share[0]`` to ``share[1]`` of the stage.

    Raises:
        Cancelled: ``progress`` was told to stop.
    """
    tall, dirs = stature(body.v_template.double().numpy(), body.shapedirs.double().numpy()[..., :NUM_BETAS])
    growth = dirs / tall
    evidence = Evidence(observe_body(take, growth, mended), mended, livelier(start.rotations), start.errors, start.seen,
                        take.sequence.fps)
    fit = ClipFit(body, camera, evidence, take=take, height=height)
    keep = _keeper(work, take, camera, height, shape, tilt, moving)
    up = _up(tilt) if tilt is not None else gravity(start.rotations[start.seen])
    state = start_state(start.path, up)
    low, high = share

    def part(a: float, b: float) -> tuple[float, float]:
        return low + (high - low) * a, low + (high - low) * b

    if shape is None:
        state = keep("shape", lambda: fit.shape(state, progress=progress))
    if progress is not None:
        progress.update(part(0.2, 0.2)[0])
    state = fit.windows(state, keep=keep, name="poses", progress=progress, share=part(0.2, 0.6))
    if not moving:
        footing = _footing(fit, state, start, tilt)
        state = fit.windows(state, footing=footing, keep=keep, name="stand", progress=progress, share=part(0.6, 0.95))
    calm = state.rotations.copy()
    calm[:, :BODY] = smooth_rotations(calm[:, :BODY], start.path.fps, start.path.confidence, seconds=_CALM)
    state = replace(state, rotations=calm)
    if take.left_hand is not None:
        state = keep("details", lambda: fit_details(take, state, camera.K, fit.skeleton, growth, fit.stature_px(state),
                                                    progress=progress))
    betas = np.zeros(body.num_betas, dtype=np.float32)
    betas[:NUM_BETAS] = state.betas
    if shape is not None:
        betas = shape
    return replace(start.path, rotations=state.rotations, pelvis=state.pelvis, betas=betas)


def _footing(fit: ClipFit, state: ClipState, start: TakeStart, tilt: tuple[float, float] | None) -> Footing:
    """Which feet rather stand than not, and on which floor."""
    betas = np.zeros(fit.body.num_betas, dtype=np.float32)
    betas[:NUM_BETAS] = state.betas
    path = replace(start.path, rotations=state.rotations, pelvis=state.pelvis, betas=betas)
    ground = find_ground([path], fit.body, tilt=tilt)
    contacts = foot_contacts(path.to_world(ground.R, ground.t), fit.body, eye=-ground.R.T @ ground.t)
    return Footing(np.asarray(contacts * standing(contacts, path.fps)), ground.up, -ground.camera_height)


def _up(tilt: tuple[float, float]) -> Array:
    pitch, roll = np.radians(tilt)
    return np.array([np.cos(pitch) * np.sin(roll), -np.cos(pitch) * np.cos(roll), -np.sin(pitch)])


def _keeper(work: Path | None, take: Take, camera: Camera, *options: object
            ) -> Callable[[str, Callable[[], ClipState]], ClipState]:
    """Reads a step's state from ``work``, or makes and writes it."""
    if work is None:
        return lambda name, make: make()
    digest = hashlib.blake2b(take.sequence.keypoints.tobytes() + camera.K.tobytes(), digest_size=8)
    plain = [option.tolist() if isinstance(option, np.ndarray) else option for option in options]
    digest.update(repr([__version__, *plain]).encode())
    key = digest.hexdigest()

    def keep(name: str, make: Callable[[], ClipState]) -> ClipState:
        path = work / f"fit_{key}_{name}.npz"
        # absent or damaged: made anew
        with suppress(OSError, KeyError, ValueError, EOFError, BadZipFile), np.load(path, allow_pickle=False) as data:
            return ClipState(*(data[field] for field in ("rotations", "pelvis", "betas", "tilt")))
        state = make()
        try:
            work.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part.npz")
            np.savez(part, rotations=state.rotations, pelvis=state.pelvis, betas=state.betas, tilt=state.tilt)
            part.replace(path)
        except OSError as error:
            raise StorageError(f"The folder {work.name} cannot be written ({error.strerror}): free some space, or name "
                               "another.") from error
        return state

    return keep
