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
# # 4. From flat points to a body that turns
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/04_uplift.ipynb)
#
# A detector gives some points in a picture: here is a knee, there an elbow. *Uplift* turns them into 3D: not only where the
# joints are, but how each one is turned, so that a body can be posed and the bend of a knee read off (after Ludwig et al.,
# CVsports 2025). One picture lacks depth; what fills it in is knowledge of how people move, which a small network can learn
# from motion alone, without a single image. This notebook makes its training data, trains it for two minutes, measures it
# against simpler ideas, lifts a clip with the shipped network, and tells a body's shape from a tape measure.
#
# - **You will make**: training pairs, a small network of your own, a lifted squat to play, joint angles as a coach reads them, and three bodies
#   from a tape measure.
# - **It takes**: about three minutes of computing on two CPU cores, two of them training; half an hour to read and try.
# - **You need**: nothing but humanav: the clips are built in, and the weights come with the package. No motion capture.
#
# ![what this notebook makes](images/04_uplift.png)

# %%
# Where humanav is installed, this cell does nothing. On Colab it fetches it in a few minutes; no graphics card is needed.
import importlib.util, os, sys
if importlib.util.find_spec("humanav") is None:
    # !git clone -q --depth 1 https://github.com/humanav/humanav ~/humanav-code && pip install -q -c ~/humanav-code/constraints.txt -e ~/humanav-code
    sys.path.append(os.path.expanduser("~/humanav-code"))

# %%
import time
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.motion import CLIP_NAMES, load_clip
from humanav.posendf.cmu import Clip
from humanav.view import notebook
from humanav.view.notebook import bodies

notebook.prepare()
MINUTES = notebook.minutes(2)  # of training
torch.manual_seed(0)
LAYOUT = "blazepose33"
body = BodyModel.load()
names = KEYPOINT_SETS[LAYOUT]
BONES = [(names.index(a), names.index(b)) for a, b in (
    ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"), ("nose", "left_ear"), ("nose", "right_ear"),
    *((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"))))]

# %% [markdown]
# ## 1. Pairs without pictures
# Nobody has videos of thousands of people with the true turn of every joint. But there is motion, and a body model, and a
# camera is easily imagined: pose a body of random shape, look at it from somewhere, and note where its landmarks fall in
# the picture. What a network then sees in life are not the true points but a detector's: shaky, sometimes wrong, sometimes
# missing. So the errors of a real detector were measured on people whose truth is known, and are drawn anew for each pair.
#
# `PairSource` does all of this on the fly. Here from eight of the built-in clips; three others are kept for the exam.

# %%
from humanav.uplift import PairSource, held_out_pairs

EXAM = ("squat", "wave", "bow")


def take(name):
    motion = load_clip(name)
    return Clip(motion, np.ones(len(motion), bool), name, "train")


source = PairSource([take(name) for name in CLIP_NAMES if name not in EXAM], LAYOUT, frames=48, augment=False, seed=1)
start = time.perf_counter()
pairs = source.batch(8)
print(f"{8 * 48} frames in {time.perf_counter() - start:.2f} s: keypoints {tuple(pairs.keypoints.shape)}, "
      f"rotations {tuple(pairs.body.shape)}, shapes {tuple(pairs.betas.shape)}")

# %% [markdown]
# Six of these clips at one moment: the true projection in grey, the simulated detection in colour, paler the less sure it
# is. Look at the limbs on the far side, and at people who are cut off by the picture's edge.

# %%
def draw_pairs(pairs, count=6, frame=20):
    figure = make_subplots(1, count, horizontal_spacing=0.01)
    for k in range(count):
        clean, seen = pairs.clean[k, frame].numpy(), pairs.keypoints[k, frame].numpy()
        line = np.full((len(BONES), 3, 2), np.nan)
        line[:, :2] = clean[np.array(BONES)]
        figure.add_scatter(x=line[..., 0].ravel(), y=line[..., 1].ravel(), mode="lines", row=1, col=k + 1,
                           line={"color": "#9aa0a8", "width": 3}, hoverinfo="skip")
        there = seen[:, 2] > 0
        color = ["#0072d6" if n.startswith("left") else "#f08214" if n.startswith("right") else "#555" for n in names]
        figure.add_scatter(
            x=seen[there, 0], y=seen[there, 1], mode="markers", row=1, col=k + 1, text=np.array(names)[there],
            marker={"color": np.array(color)[there], "opacity": 0.25 + 0.75 * seen[there, 2], "size": 8})
        width, height = pairs.size[k].tolist()
        low, high = clean.min(axis=0), clean.max(axis=0)
        middle, half = (low + high) / 2, 0.62 * max(high - low)
        axis = "" if k == 0 else str(k + 1)
        figure.add_shape(type="rect", x0=0, y0=0, x1=width, y1=height, line={"color": "#ccc", "width": 1}, row=1, col=k + 1)
        figure.update_layout({f"xaxis{axis}": {"range": [middle[0] - half, middle[0] + half], "visible": False},
                              f"yaxis{axis}": {"range": [middle[1] + half, middle[1] - half], "visible": False,
                                               "scaleanchor": f"x{axis}"}})
    return figure.update_layout(height=290, margin={"l": 0, "r": 0, "t": 6, "b": 6}, showlegend=False, template="none")


draw_pairs(pairs).show()

# %% [markdown]
# And what it must answer for the first of these pictures: the body, turned as it was. Drag it until it looks like the
# picture: that is where the imagined camera stood.

# %%
from scipy.spatial.transform import Rotation

from humanav.motion import Motion


def as_body(rotations):
    """A body (22,3,3) of rotations in the camera's view, upright: y up, towards us."""
    turns = Rotation.from_matrix(np.asarray(rotations)).as_rotvec()
    pose = np.zeros((1, 55, 3))
    pose[0, :22] = turns
    pose[0, 0] = (Rotation.from_euler("x", 180, degrees=True) * Rotation.from_rotvec(turns[0])).as_rotvec()
    return Motion.from_full_pose(pose)


bodies({"the answer": as_body(torch.cat([pairs.root[0, 20][None], pairs.body[0, 20]]))}, body).show()

# %% [markdown]
# **Try it.** Other draws. How often is a limb missing altogether, and is it where you would have expected it?

# %%
source = PairSource([take(name) for name in CLIP_NAMES if name not in EXAM], LAYOUT, frames=48, augment=False, seed=2)  # change
draw_pairs(source.batch(8), frame=30).show()

# %% [markdown]
# ## 2. What the network sees and says
# Two habits make the task easier. **In**: the points are turned into the *ray frame*, in which the camera looks straight at
# the person, so that it does not matter where in the picture the person is. **Out**: rotations in six numbers (Zhou et al.,
# CVPR 2019), which know no seam as angles do; the root is told relative to an upright person who faces us.
#
# Positions are not predicted at all. They follow from the rotations by forward kinematics, so that bones keep their
# lengths, and the loss on positions reaches the rotations through it.

# %%
from humanav.uplift.config import TrainingConfig, UpliftConfig
from humanav.uplift.features import to_features
from humanav.uplift.network import build_network
from humanav.uplift.skeleton import UpliftBody

known = torch.ones(len(pairs.K), dtype=torch.bool)
features, ray = to_features(pairs.keypoints, pairs.K, known)
config = UpliftConfig.from_dict({"model": {"keypoint_set": LAYOUT, "width": 128, "refine": []},
                                 "training": {"learning_rate": 2e-3, "warmup": 40}})
network = build_network(config)
with torch.no_grad():
    answer = network(features)
print(f"{features.shape[-1]} numbers in per frame, {tuple(answer.rotations.shape[2:])} rotations out, "
      f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} million weights")

# %% [markdown]
# **Try it.** A larger network learns slower and may know more. How does the number of weights grow with the width?

# %%
for width in (64, 128, 256):  # change
    other = build_network(UpliftConfig.from_dict({"model": {"keypoint_set": LAYOUT, "width": width, "refine": []}}))
    print(f"width {width}: {sum(p.numel() for p in other.parameters()) / 1e6:.2f} million weights")

# %% [markdown]
# ## 3. Training in miniature
# Two minutes on a CPU, on eight short clips: nobody should expect much of it, but the loss falls. The shipped network is
# trained in the same way on half an hour of captured motion: `humanav uplift train --config ...`.

# %%
from humanav.uplift.losses import make_target, uplift_loss

skeleton = UpliftBody()
plan: TrainingConfig = config.training
optimizer = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, betas=(0.9, 0.98))
average = build_network(config)
average.load_state_dict(network.state_dict())
history, begun = [], time.perf_counter()
while (part := (time.perf_counter() - begun) / (60 * MINUTES)) < 1:
    step = len(history) + 1
    for group in optimizer.param_groups:
        group["lr"] = plan.learning_rate * min(1, step / plan.warmup) * (0.01 + 0.99 * np.cos(np.pi / 2 * part) ** 2)
    batch = source.batch(16)
    x, ray = to_features(batch.keypoints, batch.K, torch.ones(len(batch.K), dtype=torch.bool))
    loss, parts = uplift_loss(network(x), make_target(batch.root, batch.body, batch.betas, ray, skeleton), plan, skeleton)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), plan.clip)
    optimizer.step()
    with torch.no_grad():  # the running mean of the weights is what is kept
        for mean, value in zip(average.parameters(), network.parameters()):
            mean.lerp_(value, max(0.02, 1 / step))
    history.append(loss.item())
smooth = np.convolve(history, np.ones(15) / 15, mode="valid") if len(history) > 15 else history
print(f"{len(history)} steps of {16 * 48} frames; the loss went from {history[0]:.2f} to {np.mean(history[-10:]):.2f}")
go.Figure(go.Scatter(y=smooth)).update_layout(height=260, xaxis_title="step", yaxis_title="loss", yaxis_type="log",
                                              margin={"t": 10, "b": 40}).show()

# %% [markdown]
# What it has learned, in 3D: the answer to the picture above, before and after.

# %%
with torch.no_grad():
    x, ray = to_features(pairs.keypoints, pairs.K, known)
    guesses = {"before": answer, "after": average.eval()(x)}
from humanav.uplift.network import unflip_root

shown = {}
for name, guess in guesses.items():
    turned = guess.rotations.clone()
    turned[:, :, 0] = unflip_root(turned[:, :, 0], ray)
    shown[name] = as_body(turned[0, 20])
bodies(shown, body).show()

# %% [markdown]
# **Try it.** Train longer: set `MINUTES` in the first cell to 5, or 20, and run this part again. Does the loss still fall at the end, and does the exam below follow it? With eight clips there comes a point where it learns them by heart.

# %%
print(f"trained for {MINUTES:g} minutes; the last tenth of the steps: "
      f"{np.mean(history[-max(1, len(history) // 10):]):.3f} on average")

# %% [markdown]
# ## 4. The exam
# The three clips kept aside, with new bodies, cameras and noise. An error means nothing alone, so four rivals sit the same
# exam:
#
# - **mean pose**: always the training clips' mean rotation, whatever is seen. (Many joints hardly ever turn, so its angles
#   look better than they are.)
# - **nearest**: the training frame whose keypoints look most alike.
# - **ridge**: a linear map from one frame's features to the rotations.
# - **shipped**: the weights that come with the package. Its training mixed in all of these clips, so here it is at home; the
#   numbers on people it never saw are in `BENCHMARKS.md`.

# %%
from humanav.uplift.evaluate import evaluate, from_network
from humanav.uplift.model import Uplift
from humanav.uplift.network import flip_root, rotations_from_6d, unflip_root

exam = held_out_pairs([take(name) for name in EXAM], LAYOUT, frames=48, seed=5, views=2)
study = [source.batch(16) for _ in range(12)]
inputs, turns = [], []
for some in study:
    x, ray = to_features(some.keypoints, some.K, torch.ones(len(some.K), dtype=torch.bool))
    inputs.append(x.flatten(0, 1)[::3])
    turns.append(torch.cat([flip_root(some.root, ray)[:, :, None], some.body], 2).flatten(0, 1)[::3])
inputs, turns = torch.cat(inputs), torch.cat(turns)
sixes = turns[..., :2].transpose(-1, -2).flatten(2)  # (N,22,6): the first two columns of each rotation
center = inputs.mean(0)
design = torch.cat([inputs - center, torch.ones(len(inputs), 1)], 1)
weights = torch.linalg.solve(design.T @ design + 0.1 * torch.eye(design.shape[1]), design.T @ sixes.flatten(1))


def frame_by_frame(guess):
    """A function of one frame's features as a predictor of clips."""
    def predict(keypoints, K, focal_known):
        x, ray = to_features(keypoints, K, focal_known)
        rotations = guess(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return torch.cat([unflip_root(rotations[:, :, 0], ray)[:, :, None], rotations[:, :, 1:]], 2)
    return predict


shipped = Uplift.load(LAYOUT)
methods = {
    "mean pose": frame_by_frame(lambda x: rotations_from_6d(sixes.mean(0)).expand(len(x), 22, 3, 3)),
    "nearest": frame_by_frame(lambda x: turns[torch.cdist(x, inputs).argmin(1)]),
    "ridge": frame_by_frame(lambda x: rotations_from_6d(
        (torch.cat([x - center, torch.ones(len(x), 1)], 1) @ weights).view(-1, 22, 6))),
    f"ours, {MINUTES:g} minutes": from_network(average.eval()),
    "shipped (knows these clips)": from_network(shipped.network, flip=True)}
columns = {"mpjpe_mm": "MPJPE, mm", "pa_mpjpe_mm": "PA-MPJPE, mm", "mpjae_deg": "angle, °", "root_deg": "root, °",
           "elbow_knee_deg": "elbows and knees, °", "accel_mm": "shaking, mm"}
scores = {name: evaluate(method, exam) for name, method in methods.items()}
go.Figure(go.Table(
    header={"values": ["", *columns.values()], "align": "left", "font": {"size": 13}},
    cells={"values": [list(scores), *([f"{row[key]:.1f}" for row in scores.values()] for key in columns)],
           "align": ["left", *["right"] * len(columns)], "font": {"size": 13}, "height": 26},
    columnwidth=[2.4, *[1] * len(columns)])).update_layout(height=220, margin={"t": 6, "b": 0, "l": 0, "r": 0}).show()

# %% [markdown]
# What to read off it: the mean pose has a decent mean angle and useless positions and roots; `shaking` (the difference of
# accelerations) is where methods that look at one frame at a time lose.

# %% [markdown]
# **Try it.** Is it the network or the averaging? Score the shipped weights without the mirrored second look (`flip=False`), and see which column pays for it.

# %%
once = evaluate(from_network(shipped.network, flip=False), exam)  # change
twice = scores["shipped (knows these clips)"]
print(", ".join(f"{label} {once[key]:.2f} (was {twice[key]:.2f})" for key, label in columns.items()))

# %% [markdown]
# ## 5. Lifting a clip
# Keypoints of a real clip come from `humanav.perception.follow_person`, or from a file of OpenPose, MMPose, COCO, MediaPipe
# (`read_keypoints`). Here they are drawn from a built-in squat before a made-up camera, with a detector's noise; the focal
# length is kept from the network, as it is with most clips.

# %%
from humanav.jobs.uplift_samples import sample_keypoints
from humanav.uplift import lift_sequence
from humanav.view import figure_motion

sequence = sample_keypoints("squat")
lifted = lift_sequence(sequence)
print(f"{len(sequence)} frames of {sequence.keypoint_set}; the body's landmarks lie {np.nanmean(lifted.reprojection):.1f} px "
      f"from the keypoints; mean confidence {lifted.confidence.mean():.2f}")
for note in lifted.notes:
    print("-", note)

# %%
figure_motion(lifted.motion, body, height=520, max_frames=50, title="Lifted: press Play, drag to turn").show()

# %% [markdown]
# **Try it.** Lose half of the frames: a network that looks at neighbours fills short gaps. How long may a gap be before the squat loses its depth?

# %%
gap = 12  # frames without any keypoint; change

holes = sequence.keypoints.copy()
holes[len(holes) // 2 - gap // 2: len(holes) // 2 + gap // 2, :, 2] = 0
filled = lift_sequence(replace(sequence, keypoints=holes))
middle = len(holes) // 2
bodies({"all frames": lifted.motion[middle], f"{gap} frames lost": filled.motion[middle]}, body).show()

# %% [markdown]
# ## 6. Joint angles
# Rotations are numbers for machines; coaches and physiotherapists speak of the bend of a knee. The truth is known here, so it
# is drawn beside (dashed).

# %%
from humanav.motion import joint_angles
from humanav.view.angles import figure_angles

found, true = joint_angles(lifted.motion), joint_angles(load_clip("squat"))
figure = figure_angles(found, sequence.fps, columns=2, title="Degrees over time")
for k, kind in enumerate(("knee_flexion", "hip_flexion", "elbow_flexion", "shoulder_elevation")):
    figure.add_scatter(x=np.arange(len(sequence)) / sequence.fps, y=true[f"left_{kind}"], row=k // 2 + 1, col=k % 2 + 1,
                       line={"dash": "dash", "color": "#888", "width": 1.5}, name="truth (left)", showlegend=k == 0)
figure.show()
off = {kind: np.abs(found[kind] - true[kind]).mean() for kind in ("left_knee_flexion", "left_elbow_flexion")}
print("mean error:", ", ".join(f"{name.replace('_', ' ')} {value:.1f}°" for name, value in off.items()))

# %% [markdown]
# **Try it.** Count the repetitions, as a coach would: a squat is a time in which both knees are bent by more than `deep` degrees. Which depth still finds all of them?

# %%
deep = 60  # change

bent = (found["left_knee_flexion"] > deep) & (found["right_knee_flexion"] > deep)
print(f"{int((np.diff(bent.astype(int)) == 1).sum())} squats deeper than {deep} degrees")

# %% [markdown]
# `humanav.motion.write_angles(motion, "angles.csv")` writes them all for a spreadsheet.
#
# ## 7. A single photo
# A photo is a clip of one frame. Here are the keypoints of one frame of the squat, and the body lifted from nothing else:

# %%
from humanav.uplift import lift_pose
from humanav.view import draw_overlay

frame = len(sequence) // 2
pose = lift_pose(sequence.keypoints[frame], sequence.keypoint_set, sequence.width, sequence.height)
paper = np.full((sequence.height, sequence.width, 3), 244, np.uint8)
picture = draw_overlay(paper, pose.vertices, body.faces, pose.camera)
print(f"landmarks {pose.reprojection:.1f} px off; least sure of joint {int(pose.confidence.argmin())}")
notebook.sheet([picture[:, 260:1020]], height=520)

# %% [markdown]
# From all sides, which the picture could not show:

# %%
bodies({"lifted from one frame": pose.vertices}, body).show()

# %% [markdown]
# **Try it.** Drag a point with your hands tied: move one keypoint by some pixels and see what follows. In the app, tab "2D to 3D", you can do this with the mouse.

# %%
joint, move = "left_wrist", (60, -120)  # change: pixels to the right and down

moved = sequence.keypoints[frame].copy()
moved[KEYPOINT_SETS[sequence.keypoint_set].index(joint), :2] += move
other = lift_pose(moved, sequence.keypoint_set, sequence.width, sequence.height)
notebook.sheet([picture[:, 260:1020], draw_overlay(paper, other.vertices, body.faces, other.camera)[:, 260:1020]],
               ["as seen", f"{joint.replace('_', ' ')} moved"], columns=2, height=420)

# %% [markdown]
# ## 8. A tape measure instead of a picture
# Keypoints hardly tell how a person is built. A tape measure does: any of 36 measurements, in metres, become shape values,
# and everything not given follows from what usually goes with it.

# %%
from humanav.uplift import betas_from_measurements

tall = betas_from_measurements({"height": 1.90, "waist_circumference": 0.82}, body)
broad = betas_from_measurements({"height": 1.70, "waist_circumference": 1.05}, body)
for label, shape in (("tall", tall), ("broad", broad)):
    print(label, {name: round(float(value), 3) for name, value in list(shape.measurements.items())[:8]})

# %%
from humanav.view import relaxed_pose

shapes = {"mean body": np.zeros(10, np.float32), "tall": tall.betas, "broad": broad.betas}
bodies({name: replace(relaxed_pose(), betas=np.asarray(betas, np.float32)) for name, betas in shapes.items()}, body).show()

# %% [markdown]
# **Try it.** Your own measures, in metres. Give only those that you know, and compare the rest with a tape.

# %%
yours = betas_from_measurements({"height": 1.72, "waist_circumference": 0.80}, body)  # change

print(", ".join(f"{name.replace('_', ' ')} {float(value):.2f}" for name, value in yours.measurements.items()))

# %% [markdown]
# ## Your own
# ```
# humanav uplift run clip.mp4 --out lifted              # or a photo, or keypoints: npz, BVH, GLB, CSV and videos
# humanav uplift train --config my.yaml                 # another layout, another size
# humanav uplift eval                                   # on captured people
# humanav bench uplift                                  # the numbers of BENCHMARKS.md
# ```
# In the browser: `python app.py`, tab "2D to 3D", where a drawn skeleton can be dragged and a body follows.
#
# ## Where to go next
# - [5. From a video to motion](05_track_a_video.ipynb): the same network on a real clip, with a floor and feet that stand.
# - [3. The poses that people take](03_pose_ndf.ipynb): how a lifted motion is made clean.
# - [Tutorial: 2D to 3D](../docs/tutorials/uplift.md), with every option and file.
# - [Start here](00_start_here.ipynb): all notebooks, and which one answers what.
