"""Refine people in close contact through their own avatars: one Gaussian scene, poses and avatars in turn.

A round makes everybody's avatar in the present poses (colours in closed form, clothes by a few steps), then moves all
poses together so that the scene looks like the pictures and masks of all cameras but one; that one judges, person by
person and frame by frame, what may stay. At the end what has proved itself is polished on all cameras, and elsewhere
bodies are only parted where they run into each other. The idea is AvatarPose's (Lu et al., ECCV 2024); Gauss-Newton on
low-resolution splats takes the place of its fields and rays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.fit.clip_kinematics import ClipState
from humanav.multiview.collision import CollisionTerm, Skin, masks_touch
from humanav.multiview.colors import fit_avatars
from humanav.multiview.gate import Errors, accepted, held_out, pixel_errors, relative_change
from humanav.multiview.losses import PixelTerm, PixelWeights
from humanav.multiview.refine_doubt import Doubt
from humanav.multiview.refine_people import Crew
from humanav.multiview.refine_report import before_after, body_numbers, mask_overlap, said
from humanav.multiview.refine_search import search_limbs
from humanav.multiview.refine_solver import SharedTerm, Solved, solve_people
from humanav.multiview.refine_targets import PixelTargets, pixel_targets, small_pictures
from humanav.multiview.refine_value import Level, Refined, RefineSettings, Round, check_values
from humanav.multiview.scene import BONES, GaussianScene, Splats
from humanav.multiview.soft_collision import Balls, SoftCollisionTerm
from humanav.multiview.value import Fitted, Matched, Pictures, Rig, Sightings
from humanav.progress import Progress

if TYPE_CHECKING:
    from humanav.body import BodyModel

__all__ = ["Level", "RefineSettings", "Refined", "Round", "refine"]

Array = NDArray[np.float64]
Watch = Callable[[int, dict[str, Any], Any], None]

_INSIDE = 3.0  # millimetres that bodies may be in each other
_RAMP = 0.5  # by how much less collisions count one round earlier
_COARSE = Level(500, 60.0)  # at which limbs are looked for
_PIXELS_CORRELATED = 0.1  # seconds over which what the pictures say goes together


def refine(
    fitted: Fitted, matched: Matched, sightings: Sightings, rig: Rig, pictures: Pictures, *,
    settings: RefineSettings | None = None, body: BodyModel | None = None, watch: Watch | None = None,
    progress: Progress | None = None,
) -> Refined:
    """Refine everybody's poses, and make their avatars.

    Args:
        fitted: where to start, of the same people as ``matched``.
        matched, sightings: which detection is whom; keypoints and masks.
        rig: the cameras, in the order of the sightings.
        pictures: of all views and frames.
        settings: by default those chosen on rendered captures.
        body: by default the built-in one.
        watch: given each round's number (from 1), plain numbers, and a picture (h,w,3) uint8 of a frame in the views
            (six at most): photo, scene before, scene now.
        progress: told of the parts of the present stage that are done, and asked whether to stop.

    Raises:
        InputError: nobody to refine in any frame, or values of different captures.
        CameraError: the cameras are not those of the sightings, fewer than two may teach, or the one to hold out is
            unknown.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.body import BodyModel as Body

    settings = settings or RefineSettings()
    check_values(fitted, matched, sightings, rig, settings)
    run = _Run(fitted, matched, sightings, rig, pictures, settings, body or Body.load(), watch, progress)
    return run.go()


class _Run:
    """The state of a refinement."""

    def __init__(
        self, fitted: Fitted, matched: Matched, sightings: Sightings, rig: Rig, pictures: Pictures,
        settings: RefineSettings, body: BodyModel, watch: Watch | None, progress: Progress | None,
    ) -> None:
        self.fitted, self.matched, self.sightings, self.rig = fitted, matched, sightings, rig
        self.settings, self.body, self.watch, self.progress = settings, body, watch, progress
        self.began = time.perf_counter()
        self.crew = Crew(fitted, matched, sightings, rig, body)
        self.start = self.crew.states()
        self.states: list[ClipState] = list(self.start)
        self.joints = np.stack([clip.joints for clip in self.crew.clips(self.start)], axis=1)
        self.never = [rig.names.index(settings.hold_out)] if settings.hold_out else []
        highest = max(settings.avatar_pixels if settings.avatar_gaussians else 0.0,
                      *(level.pixels for level in settings.levels))
        middle = self.joints[:, :, 0][self.crew.present].mean(axis=0)
        self.small = small_pictures(rig, pictures, middle, highest)
        self.rounds: list[Round] = []
        self.skins: tuple[Skin, ...] | None = None
        self.balls: tuple[Balls, ...] | None = None
        self.made: dict[tuple[float, int], PixelTargets] = {}
        self.weights = PixelWeights(settings.color, settings.cover, settings.instance)
        self.near = self.start
        teachers = len(rig) - len(self.never)
        self.doubt = Doubt.of(self.crew.people, [v not in self.never for v in range(len(rig))],
                              bool(settings.search) and teachers >= 3 and bool(sightings.masks))
        self.crew.people = self.doubt.forgotten(self.crew.people)

    def go(self) -> Refined:
        settings = self.settings
        before = self._numbers(self.states, None)
        self.frame = int(before.get("deepest_frame", self.crew.frames // 2))
        scene, ever = None, np.zeros(self.crew.present.shape, bool)
        for number, level in enumerate(settings.levels):
            scene, kept = self._round(number, level)
            ever |= kept
            self._show(scene)
            self._part((number + 1) / (len(settings.levels) + 2))
        assert scene is not None
        if len(self.rig) - len(self.never) >= 3 and settings.gate:
            self._finish(scene, ever)
            self._separate(ever)
        before, after = self._numbers(self.start, scene), self._numbers(self.states, scene)
        self._part((len(settings.levels) + 1) / (len(settings.levels) + 2))
        scene = self._avatars(scene)
        moved = np.linalg.norm((np.stack([clip.joints for clip in self.crew.clips(self.states)], axis=1)
                                - self.joints)[:, :, :BONES], axis=-1)
        report = {"before": before, "after": after, "held_out": settings.hold_out or "",
                  "moved_mm": round(1000 * float(moved[self.crew.present].mean()), 2),
                  "seconds": round(time.perf_counter() - self.began, 2)}
        result, notes = self.crew.result(self.states), said(
            self.rounds, len(self.rig) - len(self.never), settings.gate, bool(self.sightings.masks))
        return Refined(replace(result, notes=(*result.notes, *notes)), scene, tuple(self.rounds), notes, report)

    # -- a round ---------------------------------------------------------------------------------------------------

    def _round(self, number: int, level: Level) -> tuple[GaussianScene, NDArray[np.bool_]]:
        settings, began = self.settings, time.perf_counter()
        judge = held_out(number, len(self.rig), self.never) if settings.gate else None
        targets = self._targets(level.pixels, number)
        taught = targets.without([*self.never, *([] if judge is None else [judge])])
        scene = self._scene(level, taught)
        if number < settings.search and self.doubt.any:
            solved = self._searched(level, targets, number, judge)
        else:
            solved = self._solve(scene, self.doubt.weighed(taught), number, judge)
        kept, change = self.crew.present.copy(), 0.0
        if judge is not None:
            anew = fit_avatars(scene, self.crew.clips(solved.states), taught, self.weights, colors=1,
                               shapes=min(2, settings.avatar), progress=self.progress)
            kept, change = self._judge((scene, anew), targets, judge, solved)
            scene = anew
        self.states = [_mixed(old, new, kept[:, p]) for p, (old, new) in enumerate(zip(self.states, solved.states))]
        rejected = int((self.crew.present & ~kept).sum())
        self.rounds.append(Round(
            number + 1, "" if judge is None else self.rig.names[judge], int((kept & self.crew.present).sum()), rejected,
            round(change, 4), (round(solved.before, 2), round(solved.after, 2)), solved.steps,
            round(time.perf_counter() - began, 2)))
        return scene, kept

    def _searched(self, level: Level, targets: PixelTargets, number: int, judge: int | None) -> Solved:
        """Poses whose doubtful limbs were looked for everywhere, with colours from where limbs are known."""
        out = [v for v in range(len(self.rig)) if v in self.never or v == judge]
        views, before = ~np.isin(np.arange(len(self.rig)), out), self.states
        coarse = self._targets(_COARSE.pixels, number).without(out)
        scene, weighed = self._scene(_COARSE, self.doubt.clear(coarse)), self.doubt.weighed(coarse)
        if number == 0:  # bodies leave where wrong arms drew them
            first = self._solve(scene, weighed, number, judge, steps=max(2, self.settings.steps // 2))
            self.states = list(first.states)
        self.states = search_limbs(self.crew.people, self.states, scene, weighed, self.crew.eyes, self.doubt.limbs,
                                   views, self.crew.fps, seed=number, progress=self.progress)
        self.near = self.doubt.placed(self.start, self.states)
        taught = targets.without(out)
        solved = self._solve(self._scene(level, self.doubt.clear(taught)), self.doubt.weighed(taught), number, judge)
        self.states = before
        return solved

    def _scene(self, level: Level, targets: PixelTargets) -> GaussianScene:
        blank = GaussianScene(tuple(Splats.on_body(self.body, person.betas, level.gaussians, person.person_id)
                                    for person in self.crew.people))
        return fit_avatars(blank, self.crew.clips(self.states), targets, self.weights, shapes=self.settings.avatar,
                           progress=self.progress)

    def _solve(self, scene: GaussianScene, targets: PixelTargets, number: int, judge: int | None, *,
               held: list[NDArray[np.bool_]] | None = None, steps: int | None = None) -> Solved:
        settings = self.settings
        part = number / max(len(settings.levels) - 1, 1)
        first, final = settings.keypoints
        keypoints = first * (final / first) ** min(part, 1.0) if first > 0 and final > 0 else first + part * (
            final - first)
        views = np.array([v not in self.never and v != judge for v in range(len(self.rig))])
        own = self.crew.own_terms(self.states, self.near, settings, keypoints, views)
        shared: list[SharedTerm] = []
        if max(settings.color, settings.cover, settings.instance) > 0:
            shared.append(PixelTerm(scene, targets, self.weights, np.full(self.crew.frames, self._thin())))
        ramp = _RAMP ** max(len(settings.levels) - 1 - number, 0)
        shared += self._apart(ramp, targets)
        return solve_people([person.skeleton for person in self.crew.people], self.states, own, shared,
                            rounds=settings.steps if steps is None else steps, held=held, progress=self.progress)

    def _apart(self, ramp: float, targets: PixelTargets) -> list[SharedTerm]:
        """What keeps people out of each other, at this share of its weight."""
        settings, terms = self.settings, list[SharedTerm]()
        if len(self.crew.people) < 2:
            return terms
        if settings.collision > 0:
            self.skins = self.skins or tuple(Skin.of(self.body, person.betas) for person in self.crew.people)
            touching = masks_touch(targets, self.crew.frames) if settings.contact > 0 else None
            terms.append(CollisionTerm(self.skins, np.full(self.crew.frames, ramp), settings.collision,
                                       pull=settings.contact, touching=touching))
        if settings.soft > 0:
            self.balls = self.balls or tuple(Balls.of(self.body, person.betas) for person in self.crew.people)
            terms.append(SoftCollisionTerm(self.balls, np.full(self.crew.frames, ramp), settings.soft))
        return terms

    def _thin(self) -> float:
        return min(1.0, 1 / self.crew.fps / _PIXELS_CORRELATED)

    def _judge(self, scenes: tuple[GaussianScene, GaussianScene], targets: PixelTargets, judge: int, solved: Solved
               ) -> tuple[NDArray[np.bool_], float]:
        """Who stays moved, and how much errors rose: poses before and after, each with the avatars made in them."""
        others = [v for v in range(len(self.rig)) if v != judge]
        alone = targets.without(others)
        views = np.arange(len(self.rig)) == judge
        old, new = (self._errors(scene, alone, states, views) for scene, states in zip(
            scenes, (self.states, list(solved.states)), strict=True))
        first = old if not self.rounds else self._errors(scenes[0], alone, self.start, views)
        change = relative_change(first, new, pixels=True)
        kept = accepted(first, old, new, self.settings.tolerance) & self.crew.present
        return kept, float(change[self.crew.present].mean()) if self.crew.present.any() else 0.0

    def _errors(self, scene: GaussianScene, targets: PixelTargets, states: list[ClipState],
                views: NDArray[np.bool_]) -> Errors:
        posed = scene.posed(self.crew.clips(states), targets.frames)
        overlap, color, _ = pixel_errors(posed, targets, self.crew.frames, self.doubt.frames)
        misses = self.crew.misses(states, views)
        misses[self.doubt.frames] = np.nan  # detectors are misled there, and the start followed them
        return Errors(overlap, color, misses)

    def _finish(self, scene: GaussianScene, ever: NDArray[np.bool_]) -> None:
        """Polish on all cameras what some camera that took no part has found better."""
        number = len(self.settings.levels)
        targets = self._targets(self.settings.levels[-1].pixels, number - 1).without(self.never)
        held = [~ever[:, p] for p in range(ever.shape[1])]
        solved = self._solve(scene, self.doubt.weighed(targets), number, None, held=held,
                             steps=max(2, self.settings.steps * 3 // 4))
        self.states = list(solved.states)

    def _separate(self, ever: NDArray[np.bool_]) -> None:
        """Where no camera found refined poses better the start stays, but for what it runs bodies into each other."""
        if len(self.crew.people) < 2 or max(self.settings.collision, self.settings.soft) <= 0:
            return
        from humanav.multiview.contact import clip_contact

        motions = [person.motion for person in self.crew.result(self.states).people]
        inside = clip_contact(motions, self.body, volume=False).depth_mm.max(axis=1) > _INSIDE
        held = [~(inside & ~ever[:, p] & self.crew.present[:, p]) for p in range(ever.shape[1])]
        if np.all(held):
            return
        views = np.array([v not in self.never for v in range(len(self.rig))])
        own = self.crew.own_terms(self.states, self.states, self.settings, self.settings.keypoints[1], views)
        targets = self._targets(self.settings.levels[-1].pixels, len(self.settings.levels) - 1)
        solved = solve_people([person.skeleton for person in self.crew.people], self.states, own,
                              self._apart(1.0, targets), rounds=2 * self.settings.steps, held=held,
                              progress=self.progress)
        self.states = list(solved.states)

    # -- pictures --------------------------------------------------------------------------------------------------

    def _targets(self, pixels: float, number: int) -> PixelTargets:
        count = self.crew.frames
        step = -(-count // self.settings.most_frames)
        key = pixels, number % step
        if key not in self.made:
            self.made = dict([*self.made.items()][-1:])  # two at most are kept
            self.made[key] = pixel_targets(
                self.rig, self.sightings, self.matched, self.small, self.joints, self.crew.present,
                np.arange(number % step, count, step), np.ones(len(self.rig), bool), pixels)
        return self.made[key]

    def _avatars(self, scene: GaussianScene) -> GaussianScene:
        settings = self.settings
        if not settings.avatar_gaussians:
            return scene
        count = self.crew.frames
        frames = np.unique(np.linspace(0, count - 1, min(count, settings.avatar_frames)).round().astype(int))
        views = np.array([v not in self.never for v in range(len(self.rig))])
        targets = pixel_targets(self.rig, self.sightings, self.matched, self.small, self.joints, self.crew.present,
                                frames, views, settings.avatar_pixels)
        blank = GaussianScene(tuple(
            Splats.on_body(self.body, person.betas, settings.avatar_gaussians, person.person_id)
            for person in self.crew.people))
        return fit_avatars(blank, self.crew.clips(self.states), targets, self.weights, colors=4, shapes=6,
                           progress=self.progress)

    # -- what is told ----------------------------------------------------------------------------------------------

    def _numbers(self, states: list[ClipState], scene: GaussianScene | None) -> dict[str, Any]:
        """Plain numbers on some states: see :class:`Refined`."""
        numbers = body_numbers(self.crew.result(states), self.rig, self.body)
        if scene is not None:
            targets = self._targets(self.settings.levels[-1].pixels, len(self.settings.levels) - 1)
            numbers["mask_iou"] = mask_overlap(scene, self.crew.clips(states), targets, self.rig, self.crew.frames)
        return numbers

    def _show(self, scene: GaussianScene) -> None:
        if self.watch is None:
            return
        now = self.crew.result(self.states)
        numbers = asdict(self.rounds[-1]) | self._numbers(self.states, scene)
        picture = before_after(scene, self.rig, self.small.pictures, [p.motion for p in self.fitted.people],
                               [p.motion for p in now.people], self.frame)
        self.watch(len(self.rounds), numbers, picture)

    def _part(self, part: float) -> None:
        if self.progress is not None:
            self.progress.update(part)


def _mixed(old: ClipState, new: ClipState, kept: NDArray[np.bool_]) -> ClipState:
    return replace(old, rotations=np.where(kept[:, None, None, None], new.rotations, old.rotations),
                   pelvis=np.where(kept[:, None], new.pelvis, old.pelvis))
