"""Gaussian avatars beside the textured mesh, on synthetic people in loose clothes: one photo, or a clip of the person
turning round, in; views and poses that were never shown, out. The clothes of the truth hang and swing by a cloth
relaxation of their own. ``targets`` says what was to be reached and was. Definitions stand in ``benchmarks/avatar.py``.

People: ``100 * seed`` and on (700 to 702), none of them used for choosing settings, dressed casually, in a dress and
formally, in clothes 1 to 3 cm wider than the generator's, relaxed in every pose (``_avatar_cloth.py``).

``one_photo``: one photo of the standing person, with the true body, camera and cut-out, so that appearance alone is
judged. Held out: 5 views of the same moment from other sides, and 4 poses (walking, a lunge, arms up, reaching) seen
from the front and from behind at 120 degrees. ``clip``: the person turns once on the spot, with small steps, before a
fixed camera, in 72 frames (24 frames 15 degrees apart would be no film that a tracker could follow). Our tracker, in
accurate mode, without its foot lock, told the focal length and the person's height, finds body and cut-outs in it; 24
of its frames train the Gaussians, 8 of these make the mesh. Held out: 5 sides seen by a camera 20 degrees up, and the
same poses. There the poses of the test pictures are fitted with the avatar frozen, from the true pose on the tracked
body (PERSONA's protocol); the mesh's by the untrained Gaussians on it.

Rows: ``mesh avatar``; ``gaussian avatar``: the lite training as by default, without its limit of time. In the tables
of ablations every row, ``full`` included, is a smaller training (15,000 Gaussians, 384 pixels, 400 steps). In
``drift`` the generated frames stray from the person in colour, sharpness and texture, as those of real generators do,
which is what balanced sampling and geometry weighting are for. In ``moving`` the training pictures are 24 of the
person in as many poses, with the true bodies: only such pictures can show what poses do to this person's clothes,
which is what the pose-driven deformation is for. One photo, or a turn on the spot, leave that to the teacher's simple
model of cloth.

Definitions. PSNR (dB), SSIM and the perceptual measure (LPIPS, or GMSD as its substitute where LPIPS is not installed)
over the box about the person with 6 pixels around, on grey; never over whole canvases. ``psnr_input``: at the photo's
view, against what the photo saw without its noise (in ``clip``: at the first frame). ``ssim`` and the perceptual
measure: means over all held-out pictures. ``*_vs_mesh_db``: mean PSNR less the mesh's; ``worst_vs_mesh_db``: the least
difference in any held-out picture of any person. ``pose_mask_iou``, ``pose_depth_mm``: outline and depth in held-out
poses, see ``_avatar_measures.py``. ``seconds``, ``cpu_seconds``: of the longest training, placing the Gaussians and
making its frames included. ``speed``: the same seconds of the first person once more, one after the other at the end of
the run, when nothing else of it is at work.
"""

from __future__ import annotations

from typing import Any

import _avatar_cases as people_of
from _avatar_measures import Result, row
from _avatar_targets import targets
from _avatar_ways import (
    ABLATIONS,
    DRIFTING,
    FULL,
    MOVING,
    SMALL,
    TINY,
    Setting,
    Size,
    drifting_teacher,
    gaussian_result,
    mesh_result,
    moving,
    one_photo,
    tracked_clip,
    trained,
)
from _common import Say, clock, rounded

MESH, GAUSSIANS = "mesh avatar", "gaussian avatar"
QUICK = people_of.Sizes((180, 240), (240, 320), (90, 120), 24, 1, 1, 4)

Table = dict[str, list[Result]]


def run(quick: bool = False, seed: int = 7, people: int | None = None) -> dict[str, Any]:
    """Measure.

    Args:
        quick: one person, tiny pictures and trainings, and the tracker's fast mode, to see that it works.
        seed: of the people.
        people: how many; 3 by default.
    """
    say = clock()
    count = people or (1 if quick else 3)
    full, small = (TINY, TINY) if quick else (FULL, SMALL)
    tables: dict[str, Table] = {name: {} for name in ("one_photo", "one_photo_ablations", "drift", "moving",
                                                      "clip", "clip_ablations")}
    meshes: dict[str, list[Result]] = {"one_photo": [], "moving": [], "clip": []}
    names: list[str] = []
    first: dict[str, Setting] = {}
    for case in people_of.cases(count, seed, QUICK if quick else people_of.FULL, say=say):
        names.append(case.name)
        setting = one_photo(case, full)
        first.setdefault("one_photo", setting)
        _measure(f"{case.name}, one photo", "one_photo", setting, tables, meshes, full, small, say)
        for name, changes in DRIFTING.items():
            _add(tables["drift"], name, gaussian_result(setting, small, drifting_teacher(setting), **changes))
        say(f"{case.name}, drift: psnr_input {_input(tables['drift'])}")
        setting = moving(case, small)
        meshes["moving"].append(mesh_result(setting, small))
        _add(tables["moving"], MESH, meshes["moving"][-1])
        for name, changes in MOVING.items():
            _add(tables["moving"], name, gaussian_result(setting, small, **changes))
            say(f"{case.name}, moving, {name}: {_brief(tables['moving'][name][-1], meshes['moving'][-1])}")
        setting = tracked_clip(case, full, *(("fast", 6, 3) if quick else ()))
        first.setdefault("clip", setting)
        say(f"{case.name}, clip: tracked, {len(setting.views)} views")
        _measure(f"{case.name}, clip", "clip", setting, tables, meshes, full, small, say)
    out: dict[str, Any] = {}
    for name, table in tables.items():
        beside = meshes[next((setting for setting in meshes if name.startswith(setting)), "one_photo")]
        out[name] = {way: row(results, beside) for way, results in table.items()}
    out["by_person"] = {
        f"{who} {setting}": row(tables[setting][GAUSSIANS][k:k + 1], meshes[setting][k:k + 1])
        for setting in ("one_photo", "clip") for k, who in enumerate(names)}
    say("taking the time")
    out["speed"] = {name: dict(zip(("seconds", "cpu_seconds"), trained(setting, full)[1:]))
                    for name, setting in first.items()}
    return rounded({"targets": targets(out), **out, "people": count})


def _measure(
    label: str, name: str, setting: Setting, tables: dict[str, Table], meshes: dict[str, list[Result]], full: Size,
    small: Size, say: Say,
) -> None:
    """The mesh, the Gaussian avatar and the ablations of one person in one setting."""
    mesh = mesh_result(setting, full)
    meshes[name].append(mesh)
    _add(tables[name], MESH, mesh)
    _add(tables[name], GAUSSIANS, gaussian_result(setting, full))
    say(f"{label}: {_brief(tables[name][GAUSSIANS][-1], mesh)}")
    for way, changes in ABLATIONS.items():
        _add(tables[f"{name}_ablations"], way, gaussian_result(setting, small, **changes))
        say(f"{label}, {way}: {_brief(tables[f'{name}_ablations'][way][-1], mesh)}")


def _add(table: Table, name: str, result: Result) -> None:
    table.setdefault(name, []).append(result)


def _brief(result: Result, mesh: Result) -> str:
    found = row([result], [mesh])
    return ", ".join(f"{key} {found[key]:.2f}" for key in (
        "psnr_input", "psnr_novel_view", "psnr_novel_pose", "input_vs_mesh_db", "novel_view_vs_mesh_db",
        "novel_pose_vs_mesh_db", "worst_vs_mesh_db", "cpu_seconds"))


def _input(table: Table) -> str:
    return ", ".join(f"{name} {results[-1].scores[0].psnr:.2f}" for name, results in table.items())
