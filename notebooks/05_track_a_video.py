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
# # From a video to motion on the floor
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/05_track_a_video.ipynb)
#
# A clip of a person becomes a motion: where they stand in the room, how every joint is turned, when a foot is down. That
# motion opens in Blender, drives an avatar, and can be put back into the clip it came from. Here is each step on its own,
# on a clip of five seconds. Everything runs on the CPU.
#
# The clip is a film of a person who does not exist: it was rendered, so the truth is known, and each step can be held
# against it. Put the path of a clip of your own, and leave out the comparisons.
#
# ![what this notebook makes](images/05_track_a_video.png)

# %%
# On Colab: !git clone https://github.com/humanav/humanav && cd humanav && pip install -q -c constraints.txt -e .
import io
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
from IPython.display import HTML, Image as Picture
from PIL import Image

from humanav.body import BodyModel
from humanav.jobs.track_samples import sample_clip
from humanav.paths import home
from humanav.perception import open_video
from humanav.view import contact_sheet, draw_keypoints, draw_matte

pio.renderers.default = "plotly_mimetype+notebook_connected"
sys.path += [str(home() / part) for part in ("", "scripts", "benchmarks")]  # for the truth, and the measures
body = BodyModel.load()
folder = Path(tempfile.mkdtemp())
MOMENTS = (0, 32, 66, 98, 118, 160)


def sheet(pictures, labels=None, columns=6, height=300, width=1400):
    """Pictures in a grid, as a JPEG."""
    data = io.BytesIO()
    Image.fromarray(contact_sheet(pictures, labels, columns=columns, height=height, max_width=width)).save(data, "JPEG")
    return Picture(data.getvalue())


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
video = open_video(clip)
print(f"{len(video)} frames of {video.width} x {video.height} pixels, {video.fps:g} a second")
frame, everybody = first_people(sample_clip("two_people"))
sheet([draw_keypoints(frame, person, crop=False) for person in everybody],
      [f"another clip: person {number + 1}" for number in range(len(everybody))], columns=2)

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
# ## 4. Tracking, fast and accurate
# `track_clip` does the following and the lifting, mends known faults of the detector, smooths, and sets everybody on one
# floor. **Fast** stops there. **Accurate** then fits the whole clip at once to keypoints, outline, hands and face, with one
# body shape for all frames and poses that people take.

# %%
from humanav.track.clip import track_clip

tracked, seconds = {}, {}
for mode in ("fast", "accurate"):
    begun = time.process_time()
    tracked[mode] = track_clip(open_video(clip), mode=mode, work=folder / "work" if mode == "accurate" else None)
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
truth, joints = actors[0].motion, actors[0].joints
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
# ## 7. In 3D
# Drag to turn, scroll to come nearer. The file behind it is a GLB, which Blender, Unity and three.js open.

# %%
from humanav.export import write_body_glb
from humanav.motion import resample
from humanav.view import player_iframe

motion = best.takes[0].motion
small = write_body_glb(body, motion.betas, {"tracked": resample(motion, 15)}, folder / "small.glb")
HTML(f"<div>{player_iframe(small, height=420)}</div>")

# %% [markdown]
# ## 8. What stands behind the person
# Every pixel is the median over the frames in which nobody is before it; what is never free is made up to match. Shadows
# belong to nobody: where one lies for most of the clip, it stays. A camera that moves needs `moving=True` above, and gets a
# background for every frame instead of one.

# %%
from humanav.track.background import background_plate

plate, seen = background_plate(video, people)
print(f"{seen.mean():.1%} of the background was seen at some time")
sheet([at(video, (118,))[0], plate], ["a frame", "the background"], columns=2, height=360)

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

# %%
import shutil

shutil.rmtree(folder)
