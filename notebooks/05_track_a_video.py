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
# # 5. From a video to motion on the floor
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/05_track_a_video.ipynb)
#
# A clip of a person becomes a motion: where they stand in the room, how every joint is turned, when a foot is down. That
# motion opens in Blender, drives an avatar, and can be put back into the clip it came from. The hard part is not the pose of
# one frame but what holds over all of them: the same person throughout, one body, one floor, feet that do not slide. Here is
# each step on its own, on a clip of five seconds.
#
# The clip is a film of a person who does not exist: it was rendered, so the truth is known, and each step can be held
# against it. Put the path of a clip of your own, and leave out the comparisons.
#
# - **You will make**: a motion with its floor and feet, the overlay, BVH, GLB and npz, a background without the person, and an avatar in
#   her place.
# - **It takes**: three to five minutes of computing on two CPU cores; half an hour to read and try.
# - **You need**: nothing but humanav, which brings the clip; better still, a clip of your own in which one person is seen whole.
#
# ![what this notebook makes](images/05_track_a_video.png)

# %%
# Where humanav is installed, this cell does nothing. On Colab it fetches it in a few minutes; no graphics card is needed.
import importlib.util, os, sys
if importlib.util.find_spec("humanav") is None:
    # !git clone -q --depth 1 https://github.com/humanav/humanav ~/humanav-code && pip install -q -c ~/humanav-code/constraints.txt -e ~/humanav-code
    sys.path.append(os.path.expanduser("~/humanav-code"))

# %%
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from humanav.body import BodyModel
from humanav.jobs.track_samples import sample_clip
from humanav.paths import home
from humanav.perception import open_video
from humanav.view import draw_keypoints, draw_matte, figure_motion, notebook
from humanav.view.notebook import framed, lighter, sheet

notebook.prepare()
sys.path += [str(home() / part) for part in ("", "scripts", "benchmarks")]  # for the truth, and the measures
body = BodyModel.load()
folder = Path(tempfile.mkdtemp())
EVERY = 1 if notebook.minutes(1) >= 1 else 6  # of how many frames one is used
MOMENTS = tuple(frame // EVERY for frame in (0, 32, 66, 98, 118, 160))


def at(frames, moments=MOMENTS):
    """Some of many frames."""
    return [np.array(frame) for number, frame in enumerate(frames) if number in moments]


# %% [markdown]
# ## 1. The clip, and who is in it
# `open_video` reads what PyAV reads, turns pictures upright, evens out a varying frame rate, and holds one frame at a time,
# so that the length of a clip costs no memory. Where several people are seen, they are counted from the largest in the
# first frame that shows anybody; say which of them you want, or `"all"`.

# %%
from humanav.jobs.track import first_people

clip = sample_clip("walk_and_squat")
video = open_video(clip, fps=30 / EVERY)
print(f"{len(video)} frames of {video.width} x {video.height} pixels, {video.fps:g} a second")
frame, everybody = first_people(sample_clip("two_people"))
sheet([draw_keypoints(frame, person, crop=False) for person in everybody],
      [f"another clip: person {number + 1}" for number in range(len(everybody))], columns=2)

# %% [markdown]
# **Try it.** A clip of yours: put its path, and look whether everybody is found in the first frame that shows people. Whole bodies, seen from the side of a room, work best.

# %%
mine = sample_clip("two_people")  # change: "my_clip.mp4"

frame, everybody = first_people(mine)
print(f"{len(everybody)} people; the largest is {np.ptp(everybody[0].box[[1, 3]]):.0f} of {frame.shape[0]} pixels high")

# %% [markdown]
# ## 2. Following
# Everybody keeps their number through crossings and absences; left and right, which a detector exchanges now and then, are
# put back. What is found in a stretch of frames is a *take*: keypoints, boxes, masks and, in accurate mode, hands and face.
# With a folder for `work`, a run that was stopped goes on where it was.

# %%
from humanav.perception.follow_people import follow_people

begun = time.process_time()
drawn = []


def watch(number, frame, people):
    """Called with every frame while it is looked at."""
    if number in MOMENTS:
        drawn.extend(draw_keypoints(frame, person, crop=False) for person in people)


people = follow_people(video, full=True, work=folder / "work", watch=watch)
take = people.takes[0]
followed = time.process_time() - begun
print(f"{len(people.takes)} take of {len(take)} frames, {take.seen.mean():.0%} of them show the person; "
      f"{followed:.0f} s of computing")
masks = [np.array(Image.fromarray(take.mask(k) * 255.0).resize((video.width, video.height))) / 255 for k in MOMENTS]
cut = [draw_matte(frame, mask, crop=False) for frame, mask in zip(at(video), masks)]
sheet([*drawn, *cut], [f"{k / video.fps:.1f} s" for k in MOMENTS] + ["cut out"] * 6, height=220)

# %% [markdown]
# **Try it.** How sure is the detector of hands and feet over time? Take other points and look for the moments of the turn.

# %%
points = ("left_wrist", "right_wrist", "left_ankle", "right_ankle")  # change

from humanav.body.landmarks import KEYPOINT_SETS

order = KEYPOINT_SETS[take.sequence.keypoint_set]
figure = go.Figure([go.Scatter(x=np.arange(len(take)) / video.fps, y=take.sequence.keypoints[:, order.index(name), 2],
                               name=name.replace("_", " ")) for name in points])
figure.update_layout(height=260, xaxis_title="seconds", yaxis_title="confidence", margin={"t": 10, "b": 40}).show()

# %% [markdown]
# ## 3. Lifting
# A network turns the keypoints of each moment and its neighbours into joint rotations (see `04_uplift.ipynb`), and the body
# is moved to where it lies on the keypoints. The camera's focal length is not known: 1.2 times the longer side is assumed.
# All distances depend on that.

# %%
from humanav.uplift import lift_sequence

lifted = lift_sequence(take.sequence, body=body)
pelvis = body.from_motion(lifted.motion, vertices=False).joints[:, 0].numpy()
away = np.linalg.norm(pelvis - lifted.camera.center, axis=1)
print(f"the landmarks lie {np.nanmean(lifted.reprojection):.1f} px from the keypoints; "
      f"she seems {away[0]:.1f} m away at first and {away[-1]:.1f} m in the end")

# %% [markdown]
# The lifted motion to play. It floats, for nobody has told it of a floor yet.

# %%
figure_motion(lifted.motion, body, max_frames=25, title="Lifted: press Play, drag to turn").show()

# %% [markdown]
# **Try it.** The focal length is a guess. Halve it or double it: what becomes of the distance, and what of the pose?

# %%
factor = 2.0  # change

guess = replace(lifted.camera, K=lifted.camera.K * np.array([[factor, 1, 1], [1, factor, 1], [1, 1, 1]]))
other = lift_sequence(take.sequence, body=body, camera=guess)
at_first = body.from_motion(other.motion[0], vertices=False).joints[0, 0].numpy()
print(f"{np.linalg.norm(at_first - other.camera.center):.1f} m away at first, instead of {away[0]:.1f} m")
notebook.bodies({"as guessed": lifted.motion[MOMENTS[2]], f"focal length x {factor:g}": other.motion[MOMENTS[2]]}, body).show()

# %% [markdown]
# ## 4. Tracking, fast and accurate
# `track_clip` does the following and the lifting, mends known faults of the detector, smooths, and sets everybody on one
# floor. **Fast** stops there. **Accurate** then fits the whole clip at once to keypoints, outline, hands and face, with one
# body shape for all frames and poses that people take.

# %%
from humanav.track.clip import track_clip

tracked, seconds = {}, {}
for mode in ("fast", "accurate"):
    begun = time.process_time()
    tracked[mode] = track_clip(open_video(clip, fps=30 / EVERY), mode=mode, work=folder / "work" if mode == "accurate" else None)
    seconds[mode] = time.process_time() - begun + (followed if mode == "accurate" else 0)  # took up what step 2 found
for note in tracked["accurate"].notes:
    print("-", note)

# %% [markdown]
# The bodies over the frames, and what an overlay cannot show: the same from another side. Rings mark feet that stand.

# %%
from humanav.jobs.track_files import bodies
from humanav.view.tracked import TrackedBody, overlay_frames, world_frames

best = tracked["accurate"]
over = overlay_frames(video, bodies(best), best.cameras, body)
world = world_frames(bodies(best), body, camera=best.cameras, frames=len(video), height=480)
sheet([*at(over), *at(world)], [f"{k / video.fps:.1f} s" for k in MOMENTS] + ["in the room"] * 6, height=220)

# %% [markdown]
# The same moment from both modes, to turn:

# %%
notebook.bodies({mode: tracked[mode].takes[0].motion[MOMENTS[2]] for mode in tracked}, body).show()

# %% [markdown]
# **Try it.** Another moment. In which do they differ most? Look at hands first: fast mode does not know them.

# %%
moment = MOMENTS[4]  # change: any frame

notebook.bodies({mode: tracked[mode].takes[0].motion[moment] for mode in tracked}, body).show()

# %% [markdown]
# ## 5. Against the truth
# The film's own maker says how she really moved. Grey is the truth, blue what was found, after one turn and one shift along
# the floor for the whole clip; nothing is moved from frame to frame.

# %%
import make_track_sample as studio
from _track_clips import foot_heights, true_contacts
from _track_measures import compare, on_floor, summary
from _track_ours import pose_of
from _track_rivals import posed

from humanav.jobs.uplift import placed
from humanav.view.colors import BODY

actors, _, camera = studio.stage("walk_and_squat", body)
truth, joints = replace(actors[0].motion[::EVERY], fps=30 / EVERY), actors[0].joints[::EVERY]
stands = true_contacts(joints, truth.fps, foot_heights(body, truth.betas))
true = posed(truth, joints, camera.R, camera.t, stands, 0, len(truth))


def moved(motion):
    """The motion, once turned and shifted along the floor to lie closest to the truth."""
    from humanav.track.path import path_of

    here = body.from_motion(motion, vertices=False).joints.double().numpy()[:, :22]
    there = on_floor(here, true.world, true.seen)
    a, b = (x[..., [0, 2]].reshape(-1, 2) - x[..., [0, 2]].reshape(-1, 2).mean(0) for x in (here, there))
    angle = np.arctan2((a[:, 1] * b[:, 0] - a[:, 0] * b[:, 1]).sum(), (a * b).sum())
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    shift = (there - here @ turn.T).mean(axis=(0, 1))
    return path_of(motion, body).turned(turn, shift).motion(body, motion.name)


pair = [TrackedBody(truth, color=(168, 172, 178)),
        TrackedBody(moved(best.takes[0].motion), color=BODY, contacts=best.takes[0].contacts)]
sheet(at(world_frames(pair, body, camera=camera, yaw=75, height=480)), columns=3, height=330)

# %% [markdown]
# One moment of both in 3D:

# %%
notebook.bodies({"truth": truth[MOMENTS[2]], "found": best.takes[0].motion[MOMENTS[2]]}, body, apart=0.9).show()

# %% [markdown]
# **Try it.** Which joints are farthest off? Take `fast` instead of `accurate`, or other joints.

# %%
mode = "accurate"  # change: "fast"

from humanav.body.names import JOINT_NAMES

there = body.from_motion(truth, vertices=False).joints.numpy()[:, :22]
here = body.from_motion(moved(tracked[mode].takes[0].motion), vertices=False).joints.numpy()[:, :22]
off = 1000 * np.linalg.norm(here - there, axis=-1).mean(axis=0)
print(", ".join(f"{JOINT_NAMES[k].replace('_', ' ')} {off[k]:.0f} mm" for k in np.argsort(-off)[:6]))

# %% [markdown]
# The picture tells the way across it better than depth: what is off, is mostly off along the ray of the camera.
#
# Numbers, as `humanav bench track` defines them (its docstring says how): the pose after the best fit of every frame, the
# angles of the joints, how jerky it is, the place in the room, how far a standing foot slides from one frame to the next,
# and how much of the swing of arms and legs is left. *Lifted* is step 3 by itself, set on the floor.
#
# One easy clip proves little. The lifting network has learned from a walk and a squat much like these, which flatters it:
# accurate mode, which trusts the picture more, gains the place in the room here and loses a little on the poses. On captured
# people whom nothing has learned from, poses are several times as far off in every row, swings come out too small, and
# accurate mode is ahead on both: `BENCHMARKS.md` has those numbers, and the speeds.

# %%
flat = body.from_motion(placed(lifted.motion, body), vertices=False).joints.double().numpy()[:, :22]
real = body.from_motion(lifted.motion, vertices=False).joints.double().numpy()
alone = posed(lifted.motion, real, lifted.camera.R, lifted.camera.t, None, 0, len(truth))._replace(world=flat)
columns = {"pa_mpjpe_mm": "pose, mm", "mpjae_deg": "angles, °", "accel_mm": "jerks, mm", "world_mpjpe_mm": "place, mm",
           "foot_slide_mm": "slide, mm", "amplitude_kept": "swing kept"}
found = {"lifted": alone, **{mode: pose_of(tracked[mode], body) for mode in tracked}}
rows = {name: summary([compare(pose, true)]) for name, pose in found.items()}
cells = [[f"{row[key]:.2f}" if key == "amplitude_kept" else f"{row[key]:.1f}" for row in rows.values()] for key in columns]
cells.append(["", *(f"{value:.0f}" for value in seconds.values())])
go.Figure(go.Table(
    header={"values": ["", *columns.values(), "computing, s"], "align": "left", "font": {"size": 13}},
    cells={"values": [list(rows), *cells], "align": ["left", *["right"] * 7], "font": {"size": 13}, "height": 26},
    columnwidth=[1.3, *[1] * 7])).update_layout(height=140, margin={"t": 6, "b": 0, "l": 0, "r": 0}).show()

# %% [markdown]
# ## 6. The floor and the feet
# Gravity and the floor are told by the feet that stand and by how people hold themselves. Standing feet are held still; the
# swing between is left alone. Confidence falls where less is seen.

# %%
from humanav.jobs.track_files import describe, suffixes
from humanav.view.timeline import figure_timeline

told = describe(best, suffixes(best))  # what the job writes to track.json
figure_timeline(told).show()
agree = (best.takes[0].contacts == stands).mean()
print(f"standing or not agrees with the truth in {agree:.0%} of all frames and feet")

# %% [markdown]
# Seen from above: the way of the pelvis, and where the feet stood.

# %%
figure = go.Figure()
for name, motion, down, color in (("truth", truth, stands, "#9aa0a8"),
                                  ("found", moved(best.takes[0].motion), best.takes[0].contacts, "#3f7fd0")):
    points = body.from_motion(motion, vertices=False).joints.numpy()
    figure.add_scatter(x=points[:, 0, 0], y=points[:, 0, 2], mode="lines", name=f"{name}: pelvis", line={"color": color})
    feet = np.concatenate([points[down[:, k]][:, [ankle, ball]].mean(axis=1) for k, (ankle, ball) in
                           enumerate(((7, 10), (8, 11)))])
    figure.add_scatter(x=feet[:, 0], y=feet[:, 2], mode="markers", name=f"{name}: standing feet",
                       marker={"color": color, "size": 7, "opacity": 0.5})
figure.update_yaxes(scaleanchor="x", autorange="reversed", title="metres")
figure.update_layout(height=380, margin={"t": 10, "b": 40}, xaxis_title="metres, seen from above", template="none").show()

# %% [markdown]
# **Try it.** When is a foot down? The tracker says so where a foot is low and slow; another limit on the speed makes other steps. Which limit agrees best with the truth?

# %%
slow = 0.25  # metres a second; change

feet = body.from_motion(best.takes[0].motion, vertices=False).joints.numpy()[:, [7, 8, 10, 11]]
pace = np.linalg.norm(np.gradient(feet, 1 / video.fps, axis=0), axis=-1)
down = (pace < slow).reshape(len(pace), 2, 2).any(axis=1)  # ankle or ball
print(f"agrees with the truth in {(down == stands).mean():.0%} of all frames and feet")

# %% [markdown]
# ## 7. In 3D
# Drag to turn, scroll to come nearer (here it is drawn coarser than it is, to keep the notebook small). The file is a GLB, which Blender, Unity and three.js open.

# %%
from humanav.export.gltf import SkinnedMesh, write_body_glb, write_glb
from humanav.view import player_page

motion = best.takes[0].motion
write_body_glb(body, motion.betas, {"tracked": motion}, folder / "body.glb")
vertices, joints = (np.asarray(values) for values in body.rest(motion.betas))
mesh = SkinnedMesh(vertices, *(np.asarray(part) for part in (body.faces, joints, body.skin_index, body.skin_weight)))
small = write_glb(lighter(mesh), folder / "small.glb", {"tracked": motion}, max_fps=15, color=(0.55, 0.62, 0.72))
framed(player_page(small), height=420, title="the tracked motion")

# %% [markdown]
# **Try it.** One clip of her: `stop` frames before the end, or mirrored (`humanav.motion.mirror`). Write it as a file for Blender.

# %%
from humanav.motion import mirror

part = mirror(motion[len(motion) // 8: len(motion) // 2])  # change
figure_motion(part, body, max_frames=25, title="Mirrored").show()

# %% [markdown]
# ## 8. What stands behind the person
# Every pixel is the median over the frames in which nobody is before it; what is never free is made up to match. Shadows
# belong to nobody: where one lies for most of the clip, it stays. A camera that moves needs `moving=True` above, and gets a
# background for every frame instead of one.

# %%
from humanav.track.background import background_plate

plate, seen = background_plate(video, people)
print(f"{seen.mean():.1%} of the background was seen at some time")
sheet([at(video, MOMENTS[4:5])[0], plate], ["a frame", "the background"], columns=2, height=360)

# %% [markdown]
# **Try it.** How many frames does the background need? Use three only, and look where she stood longest.

# %%
few, free = background_plate(video, people, samples=3)  # change
print(f"{free.mean():.1%} seen at some time")
sheet([plate, few], ["the background", "from fewer frames"], columns=2, height=300)

# %% [markdown]
# ## 9. Files, written and read back
# BVH goes to Blender, MotionBuilder and Maya; GLB to anything that shows 3D; npz to Python. Read back, how far is the body
# from where it was? (A BVH holds bones, not shapes: the shape is told again. The GLB is read by a reader of a page of code
# that knows nothing but the standard.)

# %%
from tests.export.glb_reader import Glb

from humanav.motion import load_npz, read_bvh, save_npz, write_bvh

write_bvh(motion, folder / "motion.bvh", body)
save_npz(motion, folder / "motion.npz", "blender")
glb = Glb(write_body_glb(body, motion.betas, {"tracked": motion}, folder / "body.glb"))
here = body.from_motion(motion, vertices=False).joints.numpy()[:, :22]
for name, back in (("motion.bvh", read_bvh(folder / "motion.bvh", body, betas=motion.betas)),
                   ("motion.npz", load_npz(folder / "motion.npz"))):
    off = np.linalg.norm(body.from_motion(back, vertices=False).joints.numpy()[:, :22] - here, axis=-1).max()
    print(f"{name}: {len(back)} frames, joints at most {1000 * off:.2f} mm off")
off = max(np.linalg.norm(glb.skin("tracked", k / motion.fps)
                         - body.from_motion(motion, slice(k, k + 1)).vertices[0].numpy(), axis=-1).max() for k in MOMENTS)
print(f"body.glb: vertices at most {1000 * off:.2f} mm off at {len(MOMENTS)} moments")

# %% [markdown]
# ### In PERSONA's layout
# Tools made for PERSONA read a folder of frames, masks, boxes and SMPL-X parameters. It can be written and read; here are the
# last two seconds.

# %%
from humanav.export.persona import read_persona, write_persona
from humanav.track.background import inpainted_frames

start = len(video) - round(2 * video.fps)
end = take.start + len(take)
part = replace(take, start=start, sequence=replace(take.sequence, keypoints=take.sequence.keypoints[start:end]),
               boxes=take.boxes[start:end], masks=take.masks[start:end])
write_persona(folder / "persona", motion[start:end], best.cameras, video, part, inpainted_frames(video, people, plate),
              body=body)
back = read_persona(folder / "persona", body=body)
off = np.linalg.norm(body.from_motion(back.motion, vertices=False).joints.numpy()[:, :22] - here[start:end], axis=-1).max()
print("written:", ", ".join(sorted(path.name for path in (folder / "persona").iterdir())))
print(f"read back: {len(back.motion)} frames, joints at most {1000 * off:.2f} mm off")

# %% [markdown]
# ## 10. Somebody else in her place
# An avatar from one photo (see `02_photo_to_avatar.ipynb`) takes the tracked motion, and the clip's own camera sees it before
# the background. Its legs are longer than hers or shorter: the world is scaled with them, so that its feet stand in the
# picture where hers stood.

# %%
from humanav.avatar import View, build_avatar
from humanav.motion import fit_to_shape
from humanav.motion.shapes import leg_ratio
from humanav.paths import asset
from humanav.perception import MediapipeDetector, load_image, refine_matte
from humanav.track import fit_photo
from humanav.view.composite import composite_frames

photo = load_image(asset("samples", "shirt.jpg"))
with MediapipeDetector() as detector:
    person = detector.detect(photo)[0]
alpha = refine_matte(photo, person.mask, person.keypoints)
fit = fit_photo(photo, person, alpha, body=body)
avatar = build_avatar([View(photo, alpha, fit.camera, fit.motion)], fit.motion.betas, body, texture_size=1024)

# %%
ratio = leg_ratio(body, motion.betas[: body.num_betas], avatar.betas)
worn = fit_to_shape(motion, body, avatar.betas)[list(MOMENTS)]
seeing = replace(best.cameras, t=best.cameras.t * ratio)  # the world grows with the legs
acted = list(composite_frames(avatar, worn, [seeing] * len(worn), [plate] * len(worn)))
sheet([*at(video), *acted], [f"{k / video.fps:.1f} s" for k in MOMENTS] + ["in her place"] * 6, height=220)

# %% [markdown]
# The avatar in 3D, at one moment of the clip:

# %%
notebook.bodies({"in her place": avatar.pose(worn.full_pose[2], worn.transl[2])}, body, faces=avatar.faces).show()

# %% [markdown]
# **Try it.** Put somebody else there: another sample, or your own photo. Set it as `photo` two cells above and run on. And what does the picture look like from another camera?

# %%
yaw = 40  # degrees to the side; change

from scipy.spatial.transform import Rotation

around = Rotation.from_euler("y", yaw, degrees=True).as_matrix()
middle = worn.transl[2]
other = replace(seeing, R=seeing.R @ around.T, t=seeing.R @ (middle - around.T @ middle) + seeing.t)
sheet(list(composite_frames(avatar, worn[2:3], [other], [plate])), height=360)

# %% [markdown]
# ## Your own
# ```
# humanav track clip.mp4 --out tracked --mode accurate --people all --persona   # all files and videos of above
# humanav track clip.mp4 --out tracked --moving-camera --height 1.75
# humanav avatar photo.jpg --out avatar
# humanav animate avatar --motion tracked --use-background                      # a video of step 10
# humanav bench track                                                           # the numbers of BENCHMARKS.md
# ```
# From Python, `humanav.jobs.track.track_video("clip.mp4", out="tracked", options=TrackOptions(mode="accurate"))`; in the
# browser, `python app.py`, tab "Video tracking".
#
# What one camera cannot tell: the focal length is guessed when you do not give it, the person's size too, and with both the
# distance. Depth is a guess, best for bodies that are seen whole. Loose clothes, people cut off by the edge of the picture,
# fast turns and crowds are where it goes wrong: look at the overlay, and at the view from another side.
#
# ## Where to go next
# - [7. Several views, several people](07_multiview.ipynb): what a second camera adds.
# - [3. The poses that people take](03_pose_ndf.ipynb): how to clean a motion that came out shaky.
# - [6. An avatar of Gaussians](06_gaussian_avatar.ipynb): whom to put in the clip.
# - [Tutorial: video tracking](../docs/tutorials/track.md), with every option and file.
# - [Start here](00_start_here.ipynb): all notebooks, and which one answers what.

# %%
import shutil

shutil.rmtree(folder)
