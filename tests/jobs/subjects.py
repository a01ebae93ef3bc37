"""A made-up subject: a synthetic photo with its true fit, in the folders of PERSONA, and its avatar."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from humanav.avatar import Avatar, View, build_avatar
from humanav.body import BodyModel
from humanav.jobs import subject_capture
from humanav.jobs.subject import Subject, read_split, whole_frame
from humanav.jobs.subject_files import write_split
from humanav.jobs.subject_train import SubjectTraining
from humanav.perception import Person2D
from humanav.progress import Progress
from humanav.synth import SyntheticPhoto, photograph, sample_person

QUICK = SubjectTraining(minutes=None, steps=3, count=600, size=96, generated=3)
SIZE = (240, 360)


def picture() -> SyntheticPhoto:
    return photograph(sample_person(2, pose="standing"), size=SIZE)


def view_of(photo: SyntheticPhoto) -> View:
    return View(photo.image, photo.mask.astype(np.float32), photo.camera, replace(photo.motion, betas=photo.betas))


def person_of(photo: SyntheticPhoto) -> Person2D:
    points = np.concatenate([photo.camera.project(photo.joints[:33])[0], np.ones((33, 1))], axis=1)
    return Person2D(points, "blazepose33", np.array([0.0, 0, *SIZE]), 1.0, left_hand=points[:21])


def make_subject(root: Path, photo: SyntheticPhoto, body: BodyModel) -> Subject:
    """``root/ann`` with a captured split of ours."""
    subject, view = Subject(root, "ann"), view_of(photo)
    mesh = build_avatar([view], photo.betas, body, texture_size=512)
    write_split(subject.captured, [view], body, people=[person_of(photo)], mesh=mesh,
                told={"source": "", "warnings": ["Taken as standing."]})
    return subject


def made_by_persona(folder: Path) -> None:
    """Take away what only we write: the split looks as if PERSONA's own tools had made it."""
    for name in ("humanav.json", "humanav_about.json", "humanav_mesh.npz"):
        (folder / name).unlink(missing_ok=True)


def fake_sight(monkeypatch: pytest.MonkeyPatch, photo: SyntheticPhoto, made: Subject) -> list[Any]:
    """The detector and the fit answer with the truth, the mesh is the one of ``made``; noted is which alphas the fit
    was given."""
    asked: list[Any] = []

    def sight(source: Any, progress: Progress, stages: tuple[str, ...], label: str = "") -> Any:
        for stage in stages:
            progress.next(stage)
        return subject_capture.Sighting("key", photo.image, person_of(photo), photo.mask.astype(np.float32),
                                        SimpleNamespace(warnings=["Seen from afar."]))  # type: ignore[arg-type]

    def fit(seen: Any, options: Any, body: Any, progress: Progress) -> Any:
        progress.next("Fitting the body")
        asked.append(seen.alpha)
        return SimpleNamespace(alpha=None, camera=photo.camera, motion=replace(photo.motion, betas=photo.betas),
                               person=person_of(photo), report=SimpleNamespace(warnings=[]))

    def mesh(views: Any, body: Any, progress: Progress) -> Avatar:
        for stage in subject_capture.PHOTO_STAGES[4:]:
            progress.next(stage)
        return Avatar.load(made.captured / "humanav_mesh.npz")

    monkeypatch.setattr(subject_capture, "sight", sight)
    monkeypatch.setattr(subject_capture, "fit_sighting", fit)
    monkeypatch.setattr(subject_capture, "_mesh", mesh)
    return asked


def copied(subject: Subject, root: Path) -> Subject:
    shutil.copytree(subject.folder, root / subject.name)
    return Subject(root, subject.name)


def pictures_of(subject: Subject, body: BodyModel, turns: tuple[float, ...]) -> list[Any]:
    """Frames of the mesh in the photo's pose with its arms turned, before the photo's camera, over grey."""
    from humanav.avatar.gaussian.teacher import draw

    split = read_split(subject, subject.captured, body)
    mesh, first = Avatar.load(subject.captured / "humanav_mesh.npz"), whole_frame(split.view(0))
    out = []
    for turn in turns:
        pose = first.full_pose.copy()
        pose[16:18, 2] += turn
        rgb, alpha, _, _ = draw(mesh, mesh.pose(pose, first.transl), first.camera)
        out.append(replace(first, image=rgb * alpha[..., None] + 0.5 * (1 - alpha[..., None]), alpha=alpha,
                           full_pose=pose))
    return out


def json_of(path: Path) -> Any:
    return json.loads(path.read_text())
