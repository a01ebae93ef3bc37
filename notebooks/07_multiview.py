# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. Several views, several people, close contact
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/07_multiview.ipynb)
#
# People who hug hide each other: no single camera sees where an arm ends and the other person's back begins. Several
# cameras together do, if it is clear which detection in one view is whom in the next. AvatarPose (Lu et al., ECCV 2024)
# then goes one step further and refines the poses through avatars of the people themselves. Here is each step of our own
# version: calibration, finding, matching, 3D, bodies, refinement, measuring.
#
# The capture is a film of people who do not exist: it was rendered, so the truth is known, and each step can be held
# against it. Put the folder of a capture of your own, and leave out the comparisons.
#
# - **You will make**: the cameras and people of a hug in 3D, a doctor's report on the rig, bodies over every view, and where the two touch.
# - **It takes**: three to five minutes of computing on two CPU cores; three quarters of an hour to read and try.
# - **You need**: nothing but humanav, which brings the capture; better still, two to twelve videos of the same moment.
#
# ![what this notebook makes](images/07_multiview.png)

# %%
# Where humanav is installed, this cell does nothing. On Colab it fetches it in a few minutes; no graphics card is needed.
import importlib.util, os, sys
if importlib.util.find_spec("humanav") is None:
    # !git clone -q --depth 1 https://github.com/humanav/humanav ~/humanav-code && pip install -q -c ~/humanav-code/constraints.txt -e ~/humanav-code
    sys.path.append(os.path.expanduser("~/humanav-code"))

# %%
import base64
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.motion import load_npz
from humanav.paths import asset
from humanav.view import draw_keypoints, notebook
from humanav.view.notebook import bodies, framed, picture

notebook.prepare()
body = BodyModel.load()
folder = Path(tempfile.mkdtemp())
THOROUGH = notebook.minutes(1) >= 1
FPS = 7.5 if THOROUGH else 3  # of the 15 frames a second that were filmed: enough to see each step
MOMENTS = tuple(round(FPS * seconds) for seconds in (0, 0.6, 1.2, 1.8))


def sheet(pictures, labels=None, columns=4, height=240):
    """Pictures in a grid."""
    return notebook.sheet(pictures, labels, columns=columns, height=height)


def table(rows, columns, first=1.6):
    """Rows of cells by name."""
    notebook.table(rows, columns, first=first).show()


# %% [markdown]
# ## 1. The capture and its calibration
# A capture is a folder or a zip: a video or a folder of pictures for each camera, and what says where the cameras stand. The
# layouts of AvatarPose and EasyMocap, Hi4D, CMU Panoptic and Pose2Sim are known, and so is a bare folder of videos beside a
# calibration file. `find_capture` looks, and says what it took for granted.

# %%
from humanav.jobs.multiview_samples import sample_capture
from humanav.multiview.capture import check_layout, find_capture
from humanav.multiview.footage import open_footage

capture = find_capture(sample_capture("hug")).check()
footage = open_footage(capture, fps=FPS)
rig, views, frames = capture.rig, len(capture.names), len(footage)
print(f"{views} views of {capture.sizes[0][0]} x {capture.sizes[0][1]} pixels, cameras as {rig.kind} files; "
      f"{frames} frames are used")
for words in (*capture.notes, *(problem.text for problem in capture.problems)):
    print("-", words)
sheet([footage.frame(view, t) for view in range(views) for t in MOMENTS],
      [f"{name}, {t / FPS:.1f} s" for name in footage.names for t in MOMENTS], columns=len(MOMENTS) * 2, height=200)

# %% [markdown]
# Everything that is missing or odd is named, all at once. Here is the same capture after an accident:

# %%
broken = folder / "broken"
broken.mkdir()
for name in ("cam1.mp4", "cam2.mp4", "intri.yml", "extri.yml"):
    shutil.copy(capture.folder / name, broken / name)
shutil.copy(capture.folder / "cam3.mp4", broken / "camera three.mp4")
(broken / "cam4.mp4").write_bytes(b"not a video")
for problem in check_layout(broken):
    print("stops:" if problem.stops else "odd:", problem.text)

# %% [markdown]
# Calibrations differ in file, unit, upward axis and where a pixel's centre lies. Inside, all is metres, y up, OpenCV cameras.
# Written in each format and read back, how far do points near the people move in the pictures? (Qualisys and Caliscope files
# are read too.)

# %%
from humanav.multiview.calibration import read_calibration, write_calibration

around = np.random.default_rng(0).uniform([-1, 0, -1], [1, 2, 1], (200, 3))
sizes = dict(zip(capture.names, capture.sizes))
rows = {}
for kind in ("easymocap", "pose2sim", "hi4d", "panoptic", "4da", "opencv", "json"):
    files = write_calibration(rig, folder / "calibration" / kind, kind)
    back = read_calibration(folder / "calibration" / kind, sizes=sizes)
    off = max(np.abs(a.project(around)[0] - b.project(around)[0]).max() for a, b in zip(rig.cameras, back.cameras))
    rows[kind] = (", ".join(sorted({path.name for path in files})[:2]), f"{off:.4f} px")
table(rows, ["files", "read back"], first=0.6)

# %% [markdown]
# **Try it.** What is said of your own capture? Put its folder or zip. Or break the copy in other ways: leave out `extri.yml`, or give two videos the same name.

# %%
mine = capture.folder  # change: "my_capture"

looked = find_capture(mine)
print(f"{len(looked.names)} views: {', '.join(looked.names)}")
for words in (*looked.notes, *(problem.text for problem in looked.problems)):
    print("-", words)

# %% [markdown]
# The cameras in space, before anybody has been found:

# %%
from humanav.view.rig import residual_figure, rig_figure

rig_figure(rig, title="Where the cameras stand").show()

# %% [markdown]
# ## 2. Finding people, view by view
# Each view is followed by itself, as in `05_track_a_video.ipynb`: keypoints, masks, the colours of everybody's clothes. Where
# one person hides the other, a view may know of one only.

# %%
from humanav.multiview.detect import detect

drawn = {}


def watch(view, number, frame, people):
    """Called with every frame while it is looked at."""
    if number in MOMENTS:
        for person in people:
            frame = draw_keypoints(frame, person, crop=False, max_height=frame.shape[0])
        drawn[view, number] = frame


begun = time.process_time()
sightings = detect(footage, watch=watch, work=folder / "work")
print(f"{time.process_time() - begun:.0f} s of computing for {views} views of {frames} frames")
for name, share in zip(sightings.names, sightings.present.sum(axis=2).mean(axis=0)):
    print(f"{name}: {share:.1f} people a frame")
sheet([drawn[view, t] for view in range(views) for t in MOMENTS],
      [f"{name}, {t / FPS:.1f} s" for name in footage.names for t in MOMENTS], columns=len(MOMENTS) * 2, height=200)

# %% [markdown]
# **Try it.** Which point of the body is seen worst, and by which camera? With other points you find who is hidden by whom.

# %%
points = ("left_wrist", "right_wrist", "left_ankle", "right_ankle")  # change

order = KEYPOINT_SETS[sightings.keypoint_set]
for view, name in enumerate(sightings.names):
    sure = sightings.keypoints[:, view][sightings.present[:, view]]  # (people seen, points, 3)
    print(f"{name}: " + ", ".join(f"{point.replace('_', ' ')} {sure[:, order.index(point), 2].mean():.2f}" for point in points))

# %% [markdown]
# ## 3. The doctor and the rig
# Do these cameras belong to these pictures? People tell: the rays of the same point from two views must meet, bodies have a
# size, and they stand upright. Every pair of views has a number.

# %%
from humanav.multiview.doctor import examine

diagnosis = examine(rig, sightings, sizes=footage.sizes)
print(diagnosis.text())
residual_figure(diagnosis, title="By how much rays pass each other").show()

# %% [markdown]
# What does it say when something is wrong? From the true motions, keypoints are made as a detector would give them, with its
# faults; then we break one thing at a time. Where it cannot tell the cause, it still tells the camera.

# %%
from scipy.spatial.transform import Rotation

from humanav.multiview import Rig
from humanav.multiview.simulate import body_points, simulate

truth = {str(k): load_npz(asset("samples", "hug_truth", f"motion_{k}.npz")) for k in (1, 2)}
ideal, owner = simulate(list(truth.values()), rig, keypoint_set="blazepose33", noise_px=2.5, seed=1)


def changed(**cameras):
    """The rig with some cameras replaced."""
    return Rig(rig.names, tuple(cameras.get(name, camera) for name, camera in zip(rig.names, rig.cameras)))


def turned(camera, degrees):
    """A camera that somebody has knocked."""
    R = Rotation.from_euler("y", degrees, degrees=True).as_matrix() @ camera.R
    return replace(camera, R=R, t=-R @ camera.center)


late, mirrored = ideal.keypoints.copy(), ideal.keypoints.copy()
late[:, 2] = np.roll(late[:, 2], 4, axis=0)
mirrored[:, 1, ..., 0] = np.where(mirrored[:, 1, ..., 2] > 0, rig["cam2"].width - mirrored[:, 1, ..., 0], 0)
accidents = {
    "nothing": (rig, ideal),
    "two videos exchanged": (changed(cam1=rig["cam2"], cam2=rig["cam1"]), ideal),
    "millimetres": (Rig(rig.names, tuple(replace(camera, t=1000 * camera.t) for camera in rig.cameras)), ideal),
    "cam3 four frames late": (rig, replace(ideal, keypoints=late)),
    "cam2 mirrored": (rig, replace(ideal, keypoints=mirrored)),
    "cam3 turned by 6 degrees": (changed(cam3=turned(rig["cam3"], 6)), ideal)}
for name, (cameras, seen) in accidents.items():
    found = [finding for finding in examine(cameras, seen).findings if finding.severity != "good"]
    print(f"{name.upper()}: {' '.join(finding.text for finding in found) or 'all is well.'}\n")

# %% [markdown]
# **Try it.** Break something yourself. From how many degrees, or frames, on does the doctor notice? That is how exact a calibration must be.

# %%
degrees = 1.5  # change

report = examine(changed(cam3=turned(rig["cam3"], degrees)), ideal)
for finding in report.findings:
    print(f"{finding.severity}: {finding.text}")

# %% [markdown]
# ## 4. Who is who
# Two detections of different views go together when their rays pass close to each other, keypoint by keypoint; with two
# cameras only, colours of clothes help. Groups are made frame by frame, then everybody is looked at over the whole capture:
# one number each from beginning to end, left and right put back, single keypoints taken from the other person's detection
# where they belong there.

# %%
from humanav.multiview.match import match_people

matched = match_people(sightings, rig)
for note in matched.notes:
    print("-", note)
best = int(np.argmax(sightings.present.sum(axis=(1, 2)) - 0.01 * np.abs(np.arange(frames) - frames / 2)))
rig_figure(rig, matched, frame=best, diagnosis=diagnosis,
           title=f"Cameras, people, and the lines of sight to person 1, {best / FPS:.1f} s").show()

# %% [markdown]
# The evidence of one frame: how well every detection goes with every other one, framed person by person.

# %%
from humanav.multiview.match_evidence import explain
from humanav.view.matching import affinity_figure, epipolar_picture

evidence = explain(sightings, rig, best, matched=matched)
affinity_figure(evidence, height=430).show()

# %% [markdown]
# And where it comes from: the left wrist of everybody in the first view is a line in the others. The right partner lies on
# it, within what a detector errs by; the wrong one is as far away as people are from each other. In a hug that is not far,
# which is why all keypoints vote.

# %%
whole = int(np.argmax(sightings.present[best].sum(axis=1)))
picture(epipolar_picture([footage.frame(view, best) for view in range(views)], evidence, keypoint="left_wrist", view=whole,
                         height=330))

# %% [markdown]
# **Try it.** Cover a lens: with two cameras left, is everybody still found, and do they keep their number? (These are the made-up keypoints of step 3.)

# %%
covered = ("cam3", "cam4")  # change

left = ideal.keypoints.copy()
left[:, [rig.names.index(name) for name in covered]] = 0
fewer = match_people(replace(ideal, keypoints=left), rig)
print(f"{len(fewer.people)} people")
for note in fewer.notes:
    print("-", note)

# %% [markdown]
# ## 5. Points in space
# The textbook's way (DLT) is the least squares of all rays: one wrong keypoint pulls the point away. Ours reweights: rays that
# do not agree lose their say. On the made-up detections the truth is known. *Plain* and *robust* are told who is who and only
# triangulate; *matched* is told nothing, and finds people, sides and stray limbs by itself.

# %%
from humanav.multiview.triangulate import triangulate

true_points = body_points(list(truth.values()), "blazepose33", body)[0]  # (T,2,33,3)
own = np.zeros((2, *ideal.keypoints.shape[:2], *ideal.keypoints.shape[3:]))
for person in range(2):
    for t, view, detection in np.argwhere(owner == person):
        own[person, t, view] = ideal.keypoints[t, view, detection]
by_itself = match_people(ideal, rig)
near = [int(np.argmin([np.nanmean(np.linalg.norm(who.keypoints[..., :3] - true_points[:, p], axis=-1))
                       for who in by_itself.people])) for p in range(2)]
ways = {"plain": [triangulate(rig, own[p], robust=False).points for p in range(2)],
        "robust": [triangulate(rig, own[p]).points for p in range(2)],
        "matched": [by_itself.people[k].keypoints for k in near]}
rows, figure = {}, go.Figure()
for name, points in ways.items():
    off = 1000 * np.linalg.norm(np.stack(points, axis=1)[..., :3] - true_points, axis=-1)
    known = np.sort(off[np.isfinite(off)])
    rows[name] = (f"{np.median(known):.0f}", f"{known.mean():.0f}", f"{(known > 100).mean():.1%}", f"{np.isfinite(off).mean():.1%}")
    figure.add_scatter(x=known, y=np.arange(len(known)) / off.size, mode="lines", name=name)
table(rows, ["median, mm", "mean, mm", "more than 10 cm off", "points known"])
figure.update_xaxes(range=[0, 200], title="millimetres from the truth").update_yaxes(title="share of all points", tickformat=".0%")
figure.update_layout(height=300, margin={"t": 10, "b": 40}, template="none").show()

# %% [markdown]
# One moment of it in 3D: the truth in grey, plain in red, robust in blue.

# %%
from humanav.view.overlay import bones

names = KEYPOINT_SETS["blazepose33"]
pairs = [(names.index(a), names.index(b)) for a, b in bones(names)]
spread = [np.linalg.norm(np.stack(ways["plain"], axis=1)[t, ..., :3] - true_points[t], axis=-1) for t in range(len(true_points))]
worst = int(np.argsort([np.nanmean(off) for off in spread])[-3])
figure = go.Figure()
for name, color, points in (("truth", "#9aa0a8", true_points[worst]),
                            ("plain", "#d0453f", np.stack(ways["plain"], axis=1)[worst, ..., :3]),
                            ("robust", "#3f7fd0", np.stack(ways["robust"], axis=1)[worst, ..., :3])):
    line = np.array([end for one in points for a, b in pairs for end in (one[a], one[b], np.full(3, np.nan))])
    figure.add_scatter3d(x=line[:, 0], y=-line[:, 2], z=line[:, 1], mode="lines", name=name, hoverinfo="name",
                         line={"color": color, "width": 8 if name == "truth" else 4})
figure.update_layout(height=460, margin={"t": 0, "b": 0, "l": 0, "r": 0}, scene_aspectmode="data",
                     scene={axis: {"title": "", "showticklabels": False} for axis in ("xaxis", "yaxis", "zaxis")}).show()

# %% [markdown]
# **Try it.** Another moment, or `matched` instead of `robust`: what becomes of points that two cameras see, and of points that only one sees?

# %%
moment, way = 10, "matched"  # change

figure = go.Figure()
for name, color, points in (("truth", "#9aa0a8", true_points[moment]),
                            (way, "#3f7fd0", np.stack(ways[way], axis=1)[moment, ..., :3])):
    line = np.array([end for one in points for a, b in pairs for end in (one[a], one[b], np.full(3, np.nan))])
    figure.add_scatter3d(x=line[:, 0], y=-line[:, 2], z=line[:, 1], mode="lines", name=name, hoverinfo="name",
                         line={"color": color, "width": 8 if name == "truth" else 4})
figure.update_layout(height=400, margin={"t": 0, "b": 0, "l": 0, "r": 0}, scene_aspectmode="data",
                     scene={axis: {"title": "", "showticklabels": False} for axis in ("xaxis", "yaxis", "zaxis")}).show()

# %% [markdown]
# ## 6. Bodies
# A body for each person: one shape, joints within their limits, smooth. It starts from the 3D points and is then brought onto
# the keypoints of *all pictures* at once, each with its own expected error, so that a point which two views see hangs on the
# whole body and not on those two rays.

# %%
from humanav.export import write_mp4
from humanav.multiview.fit import fit_people
from humanav.view.multiview import view_frames
from humanav.view.people3d import capture_players_html, write_people_scene, yaw_of

begun = time.process_time()
fitted = fit_people(matched, sightings, rig, body=body)
print(f"{time.process_time() - begun:.0f} s of computing")
for who, told in fitted.report["people"].items():
    off = np.mean([px for px in told["reprojection_px"].values() if px is not None])
    print(f"person {who}: {told['stature_m']:.2f} m tall, landmarks {off:.1f} px from the keypoints")
videos = {}
for view, name in enumerate(rig.names):
    over = view_frames(footage.read(view), fitted, matched, sightings, rig.cameras[view], view, body, max_height=300)
    file = write_mp4(over, folder / f"{name}.mp4", FPS, crf=28)
    videos[name] = "data:video/mp4;base64," + base64.b64encode(file.read_bytes()).decode()

# %% [markdown]
# The bodies over every view, in step with everybody and the cameras in 3D. Drag to turn, click a view to enlarge it.

# %%
scene = write_people_scene(fitted, folder / "people.glb", rig=rig, body=body)
page = capture_players_html(videos, scene, fps=FPS, frames=frames, size=(400, 300), height=380, autoplay=False,
                            yaw=yaw_of(fitted.people[0].motion, rig.cameras[0]))
framed(page, height=830, title="the people in every view and in 3D")

# %% [markdown]
# **Try it.** One frame of both bodies, to turn. Find the frame in which they are nearest.

# %%
frame = best  # change: 0 to the number of frames less one

bodies({f"person {person.person_id}": body.from_motion(person.motion[frame]).vertices[0] for person in fitted.people}, body,
       apart=0).show()

# %% [markdown]
# ## 7. Refinement through avatars
# Everybody becomes a cloud of Gaussians on their body, all in one scene. Their colours come from the pictures in closed form;
# then all poses move together so that the scene looks like the pictures and masks, and bodies that run into each other push
# each other out. One camera of each round takes no part and judges: what it finds worse, frame by frame, is taken back. The
# settings here are coarse; the defaults are finer.

# %%
from humanav.multiview.refine import Level, RefineSettings, refine

shown = {}


def look(number, numbers, pixels):
    """Called after each round."""
    shown[number] = pixels
    if number:
        print(f"round {number}: {numbers['held_out']} judged, kept {numbers['accepted']} of "
              f"{numbers['accepted'] + numbers['rejected']}; deepest contact {numbers['penetration_mm']:.1f} mm")


levels = (Level(300, 48), Level(500, 64), Level(500, 64)) if THOROUGH else (Level(300, 32), Level(300, 40))
steps, search = (6, 2) if THOROUGH else (3, 1)
small = RefineSettings(levels=levels, steps=steps, search=search, avatar=4, avatar_gaussians=2500, avatar_pixels=150,
                       avatar_frames=6)
begun = time.process_time()
refined = refine(fitted, matched, sightings, rig, footage, settings=small, body=body, watch=look)
print(f"{time.process_time() - begun:.0f} s of computing")
for note in refined.notes:
    print("-", note)
rows = {name: (f"{part['penetration_mm']:.1f}", *(f"{part[key][name_]:.2f}" for key in ("mask_iou", "reprojection_px")
                                                for name_ in rig.names))
        for name, part in (("before", refined.report["before"]), ("after", refined.report["after"]))}
table(rows, ["penetration, mm", *(f"outline {name}" for name in rig.names), *(f"px {name}" for name in rig.names)])

# %% [markdown]
# The moment in which the fitted bodies were deepest in each other, as the views see it: before, then after. Yellow is skin that
# touches (nearer than 2 cm), red is skin inside the other person.

# %%
from humanav.view.multiview import contact_row

deepest = refined.report["before"]["deepest_frame"]
before, met, windows = contact_row(footage, fitted, rig, deepest, body, height=380)
after, left, _ = contact_row(footage, refined.fitted, rig, deepest, body, windows=windows, height=380)
print(f"{deepest / FPS:.1f} s: {met.depth_mm:.0f} mm deep before, {left.depth_mm:.0f} mm after")
picture(np.concatenate([before, np.full((6, before.shape[1], 3), 255, np.uint8), after]))

# %% [markdown]
# The avatars beside what the cameras saw, and from where none stands.

# %%
from humanav.camera import Camera

motions = [person.motion for person in refined.fitted.people]
middle = np.mean([body.from_motion(motion, slice(deepest, deepest + 1), vertices=False).joints[0, 0].numpy()
                  for motion in motions], axis=0).astype(float)
eye = rig.cameras[0].center + rig.cameras[1].center - middle
between = Camera.look_at(middle + 3.4 * (eye - middle) / np.linalg.norm(eye - middle), middle, 480, 360, 620)
drawn = [(255 * refined.scene.render(camera, motions, deepest, background=(0.93, 0.93, 0.94)).rgb).astype(np.uint8)
         for camera in (*rig.cameras[:2], between)]
sheet([footage.frame(0, deepest), footage.frame(1, deepest), *drawn],
      ["cam1", "cam2", "the avatars, cam1", "the avatars, cam2", "between them"], columns=5, height=260)

# %% [markdown]
# The refined bodies of that moment, to turn:

# %%
bodies({f"person {person.person_id}": body.from_motion(person.motion[deepest]).vertices[0]
        for person in refined.fitted.people}, body, apart=0).show()

# %% [markdown]
# **Try it.** Look at the avatars from where no camera stands: change the height of the eye, or its side.

# %%
yaw, pitch = 200, 25  # degrees; change

around = Camera.orbit(middle, 3.6, yaw, pitch, 480, 360, focal=560)
seen = refined.scene.render(around, motions, deepest, background=(0.93, 0.93, 0.94)).rgb
picture((255 * seen).astype(np.uint8))

# %% [markdown]
# ## 8. Against the truth
# `evaluate` matches found and true people one to one. MPJPE is the mean distance of the points, in the world, with nothing
# aligned; PCK is the share within a distance; a *switch* is somebody who changes number. Contact F1 compares which vertices
# touch. A capture this small proves nothing: `humanav bench multiview` measures over many.

# %%
from humanav.multiview.evaluate import evaluate

step = round(next(iter(truth.values())).fps / FPS)
real = {who: motion[::step][:frames] for who, motion in truth.items()}
results = {"points": matched, "bodies": fitted, "refined": refined.fitted}
scores = {name: evaluate(result, real, keypoint_set="skel19", body=body) for name, result in results.items()}
rows = {name: (f"{score.mpjpe_mm:.0f}", f"{score.pa_mpjpe_mm:.0f}", f"{score.pck[50]:.0%}", f"{score.pck[100]:.0%}",
               f"{score.f1:.2f}", score.id_switches,
               *(f"{score.contact[key]:.{digits}f}" if score.contact.get(key) is not None else ""
                 for key, digits in (("penetration_mm", 1), ("contact_f1", 2))))
        for name, score in scores.items()}
table(rows, ["MPJPE, mm", "PA-MPJPE, mm", "PCK 50 mm", "PCK 100 mm", "people F1", "switches", "penetration, mm", "contact F1"],
      first=0.8)

# %%
figure = go.Figure()
for name, score in scores.items():
    figure.add_bar(x=[point.replace("_", " ") for point in score.mpjpe_point], y=list(score.mpjpe_point.values()), name=name)
figure.update_layout(height=320, barmode="group", yaxis_title="mm from the truth", margin={"t": 10, "b": 90},
                     template="none").show()

# %% [markdown]
# **Try it.** A distance of one joint means little without another: change the limit of PCK, and see which result leads at 30, 50 and 100 mm.

# %%
limit = 100  # one of 50, 100, 150, 200; change

print(", ".join(f"{name} {score.pck[limit]:.0%}" for name, score in scores.items() if limit in score.pck))

# %% [markdown]
# ## 9. Files, written and read back
# AvatarPose's own folders for those who go on there; TRC for OpenSim; BVH for Blender, MotionBuilder and Maya. A BVH holds
# bones, not shapes: the shape is told again.

# %%
from humanav.export.trc import read_trc, write_trc
from humanav.motion import read_bvh, write_bvh
from humanav.multiview.avatarpose_files import read_avatarpose, write_avatarpose

write_avatarpose(folder / "hug", matched, refined.fitted, rig, body=body)
back = read_avatarpose(folder / "hug")
print("AvatarPose's layout:", ", ".join(sorted(path.name for path in (folder / "hug").iterdir())))
for person, motion in zip(matched.people, motions):
    trc = read_trc(write_trc(folder / f"points_{person.person_id}.trc", person.keypoints, KEYPOINT_SETS[person.keypoint_set],
                             matched.fps))
    off = np.nanmax(np.abs(trc.points[..., :3] - person.keypoints[..., :3]))
    write_bvh(motion, folder / f"motion_{person.person_id}.bvh", body)
    again = read_bvh(folder / f"motion_{person.person_id}.bvh", body, betas=motion.betas)
    here, there = (body.from_motion(one, vertices=False).joints.numpy()[:, :22] for one in (motion, again))
    print(f"person {person.person_id}: points_{person.person_id}.trc at most {1000 * off:.3f} mm off, "
          f"motion_{person.person_id}.bvh at most {1000 * np.linalg.norm(here - there, axis=-1).max():.2f} mm")

# %% [markdown]
# ## 10. Without a calibration
# People who move are a calibration pattern of a kind: their joints are the points, their height is the ruler. The cameras are
# found from the keypoints alone, here the made-up ones, and compared with the true cameras. Two seconds of a hug are little;
# let somebody walk about and swing their arms, give the lens (`focal`) if you know it, or film a board: pictures of a chessboard
# or ChArUco board among the files are used by themselves.

# %%
from humanav.metrics import align
from humanav.multiview.self_calibrate import calibrate_from_people

found = calibrate_from_people(ideal, footage.sizes, height=1.7)
for note in found.notes:
    print("-", note)
centres, true_centres = (np.array([camera.center for camera in one.cameras]) for one in (found, rig))
off = np.linalg.norm(align(centres, true_centres) - true_centres, axis=1)
apart = [np.linalg.norm(one[:, None] - one[None], axis=-1).max() for one in (centres, true_centres)]
print(f"cameras {100 * off.mean():.0f} cm from the true places after a similarity; the widest distance between two is "
      f"{apart[0]:.2f} m ({apart[1]:.2f} m in truth)")
rig_figure(found, match_people(ideal, found), frame=20, title="Found from the people alone").show()

# %% [markdown]
# **Try it.** The ruler is the height that you give. Say 1.8 m instead of 1.7 m: what changes, and by how much?

# %%
height = 1.8  # change

taller = calibrate_from_people(ideal, footage.sizes, height=height)
wide = np.array([camera.center for camera in taller.cameras])
print(f"the widest distance between two cameras: {np.linalg.norm(wide[:, None] - wide[None], axis=-1).max():.2f} m")

# %% [markdown]
# ## Your own
# ```
# humanav multiview check my_capture                      # files, calibration, units, time offsets: what is wrong, and why
# humanav multiview sync my_capture                       # by how many frames each camera is late
# humanav multiview run my_capture --out result           # everything: motions, bodies, avatars, overlays, the page of the rig
# humanav multiview match my_capture                      # or step by step: match, fit, refine; each goes on from the last
# humanav multiview run videos/ --calibration cameras.toml --people 2
# humanav multiview run videos/ --height 1.75             # no calibration: the cameras are found from the people
# humanav multiview eval result truth                     # MPJPE, PCP, PCK, AP, contact
# humanav bench multiview                                 # the numbers of BENCHMARKS.md
# ```
# From Python, `humanav.jobs.multiview.reconstruct_capture("my_capture", out="result")`; in the browser, `python app.py`, tab
# "Multi-view capture".
#
# Cameras that look from all sides at whole people are worth more than many cameras. With two, clothes that differ help to tell
# people apart, and nobody is left to judge the refinement. Skin that no camera sees is a guess, and bodies of bare skin stand
# for people in clothes: a few millimetres of what is called contact are cloth.
#
# ## Where to go next
# - [6. An avatar of Gaussians](06_gaussian_avatar.ipynb): what the refinement draws with.
# - [5. From a video to motion](05_track_a_video.ipynb): when there is one camera only.
# - [Tutorial: multi-view capture](../docs/tutorials/multiview.md), with layouts, calibrations and every option.
# - [Start here](00_start_here.ipynb): all notebooks, and which one answers what.

# %%
footage.close()
shutil.rmtree(folder)
