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
# # 3. The poses that people take
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/03_pose_ndf.ipynb)
#
# Of all the ways to turn 21 joints, people use very few. Pose-NDF (Tiwari et al., ECCV 2022) and NRDF (He et al., CVPR 2024)
# learn a function that says how far a pose is from those few. With its value one can judge a pose; going downhill one can
# mend it. That is what makes a shaky capture usable, fills in what a camera did not see, and keeps a fit from bending knees
# the wrong way. This notebook shows the data, the function, and what it is good for.
#
# - **You will make**: broken poses and their repair, a noisy walk made clean, ways from pose to pose, and poses that nobody has taken.
# - **It takes**: about a minute of computing on two CPU cores; half an hour to read and try.
# - **You need**: nothing but humanav: the clips are built in, and the weights come with the package. No motion capture.
#
# ![what this notebook makes](images/03_pose_ndf.png)

# %%
# Where humanav is installed, this cell does nothing. On Colab it fetches it in a few minutes; no graphics card is needed.
import importlib.util, os, sys
if importlib.util.find_spec("humanav") is None:
    # !git clone -q --depth 1 https://github.com/humanav/humanav ~/humanav-code && pip install -q -c ~/humanav-code/constraints.txt -e ~/humanav-code
    sys.path.append(os.path.expanduser("~/humanav-code"))

# %%
import numpy as np
import plotly.graph_objects as go
import torch

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.motion import CLIP_NAMES, Motion, load_clip, load_motion
from humanav.posendf import NAMES, PoseNDF, motion_to_quats, with_quats
from humanav.render import render_mesh
from humanav.view import figure_motion, notebook
from humanav.view.notebook import bodies

notebook.prepare()
body = BodyModel.load()
field = PoseNDF.load()
INDEX = {name: k for k, name in enumerate(NAMES)}
LENGTH, WAY, MANY = (None, 24, 12) if notebook.minutes(1) >= 1 else (45, 6, 3)  # frames, steps and poses that are used


def as_motion(quats):
    """Poses (T,21,4) as a motion that stands still and looks at us."""
    return with_quats(Motion.from_full_pose(torch.zeros(len(quats), 55, 3).numpy()), quats)


def picture(quats, yaw=25, width=220, height=340, color=None):
    """One pose (21,4) as a rendered body."""
    vertices = body.from_motion(as_motion(quats[None])).vertices[0].numpy()
    middle = (vertices.max(axis=0) + vertices.min(axis=0)) / 2
    camera = Camera.orbit(middle, 4.0, yaw, 6, width, height, focal=1.85 * height)
    colors = None if color is None else np.tile(np.float32(color), (len(vertices), 1))
    return render_mesh(vertices, body.faces, camera, vertex_colors=colors)[0]


def sheet(poses, labels=None, columns=8, **options):
    """Many poses as pictures."""
    return notebook.sheet([picture(q, **options) for q in poses], labels, columns=columns, height=230)


def show(poses):
    """A few poses by name, as pictures from two sides."""
    pictures = [picture(q, yaw) for q in poses.values() for yaw in (25, 105)]
    return notebook.sheet(pictures, [text for name in poses for text in (name, "from the side")], height=230)


def in_3d(poses, **options):
    """A few poses by name, in 3D."""
    bodies({name: as_motion(quats[None]) for name, quats in poses.items()}, body, **options).show()


# %% [markdown]
# ## 1. A pose
# A pose is one unit quaternion for each of the 21 body joints, relative to the parent's: `quats` of shape (T, 21, 4),
# real part first. The pelvis is left out, because turning a person round does not change how plausible the pose is, and
# so are place, hands and body shape. `q` and `-q` are the same rotation; the network must never notice, so all
# quaternions are brought to w >= 0.

# %%
clips = {name: motion_to_quats(load_clip(name)) for name in CLIP_NAMES}
poses = torch.cat([quats[::5] for quats in clips.values()])
print(f"{len(poses)} poses of {len(clips)} clips: {tuple(poses.shape)}, w from {poses[..., 0].min():.2f} to 1")
sheet([clips[name][len(clips[name]) * 2 // 5] for name in CLIP_NAMES[:8]], list(CLIP_NAMES[:8]))

# %% [markdown]
# One of them to turn:

# %%
in_3d({"dance": clips["dance"][len(clips["dance"]) * 2 // 5]})

# %% [markdown]
# The distance between two poses is the mean half angle of their joints, in radians: 0.05 is about 6 degrees in every
# joint, or 120 degrees in a single one. How far are these clips from each other? Each cell is the mean distance from a
# frame of one clip to the nearest frame of another.

# %%
from humanav.posendf import PosePool

names = list(clips)
table = np.array([[float(PosePool(clips[b]).nearest(clips[a][::6])[0].mean()) for b in names] for a in names])
go.Figure(go.Heatmap(z=table, x=names, y=names, colorscale="Viridis", colorbar={"title": "rad"})).update_layout(
    height=420, margin={"t": 20, "b": 40}, yaxis={"autorange": "reversed"}).show()

# %% [markdown]
# **Try it.** Which two clips are nearest, and which clip is a stranger to all others? Read it off the table, then ask: the number is the distance of the chosen frame to the nearest frame of every other clip.

# %%
name, frame = "dance", 50  # change

near = {other: float(PosePool(clips[other]).nearest(clips[name][frame][None])[0][0, 0]) for other in names if other != name}
print(", ".join(f"{other} {value:.3f}" for other, value in sorted(near.items(), key=lambda item: item[1])))

# %% [markdown]
# ## 2. What the network learns from
# Nobody can write down the distance to all human poses, but one can make examples: take a real pose, spoil it, and
# search the nearest real pose among all of them. Much of the damage is noise of all sizes; some is what really happens
# to captured motion: limbs left and right swapped, a twisted joint, a knee bent the wrong way, a limb that froze or that
# is missing.

# %%
from humanav.posendf.corrupt import STRUCTURED, axis_angle_noise, corrupt

generator = torch.Generator().manual_seed(4)
walk = clips["walk"]
one = walk[12][None]
spoilt = [axis_angle_noise(one, sigma, generator)[0] for sigma in (0.08, 0.35)]
spoilt += [corrupt(one, generator, kinds=(kind,), others=clips["dance"]).quats for kind in STRUCTURED]
labels = ["as it was", "little noise", "much noise", *(kind.replace("_", " ") for kind in STRUCTURED)]
sheet([one[0], *(quats[0] for quats in spoilt)], labels, columns=9)

# %% [markdown]
# The hardest kind for a program is the one that looks almost right. Turn it:

# %%
in_3d({labels[4]: spoilt[3][0]})

# %% [markdown]
# The shipped weights saw poses of the CMU motion capture database, mirrored as well, with subjects 03 and 135 kept out.
# Here is such a training set in small, from the clips: 2,000 spoilt poses and their exact distances.

# %%
pool = PosePool(poses)
queries = corrupt(poses[torch.randint(len(poses), (2000,), generator=generator)], generator,
                  kinds={"nrdf_near": 1, "nrdf_far": 1, "noise_near": 1, **dict.fromkeys(STRUCTURED, 0.3)}).quats
truth = pool.nearest(queries)[0][:, 0]
go.Figure(go.Histogram(x=truth.numpy(), nbinsx=60)).update_layout(
    height=260, xaxis_title="distance to the nearest pose (rad)", margin={"t": 20, "b": 40}).show()

# %% [markdown]
# **Try it.** More damage, less damage. From which `sigma` (radians for every joint) on would you no longer call it a person's pose? Remember that number: the next part lets the field answer.

# %%
sigma = 0.2  # change, between 0 and 0.6

show({"as it was": one[0], f"sigma {sigma}": axis_angle_noise(one, sigma, generator)[0][0]})

# %% [markdown]
# ## 3. The field
# `field(quats)` gives the learned distance. It follows the skeleton: a tiny network per joint reads the joint's
# quaternion and what its parent's network said, then one network reads them all. Real poses score near 0, spoilt ones
# higher:

# %%
for name, quats in zip(labels, [one, *spoilt]):
    print(f"{name:14} {float(field(quats)):.3f} rad")

# %% [markdown]
# A slice through it: in one frame of the walk, only the left hip and the left knee are bent to and fro. White dots are
# what the walk's own left leg does; the field is low where legs can go, and rises where the knee bends backwards (below
# the dashed line) or the thigh comes too far up or back.

# %%
from humanav.posendf.quaternions import axis_angle_to_quats, quats_to_axis_angle

hip, knee = np.linspace(-60, 130, 77), np.linspace(-80, 150, 77)
grid = one.repeat(len(hip) * len(knee), 1, 1)
for joint, sign, degrees in (("left_hip", -1, np.tile(hip, len(knee))), ("left_knee", 1, np.repeat(knee, len(hip)))):
    turn = torch.zeros(len(grid), 3)
    turn[:, 0] = torch.from_numpy(sign * np.radians(degrees)).float()
    grid[:, INDEX[joint]] = axis_angle_to_quats(turn)
values = field(grid).view(len(knee), len(hip)).numpy()
bends = np.degrees(quats_to_axis_angle(walk).numpy()[..., 0])
figure = go.Figure(go.Heatmap(z=values, x=hip, y=knee, colorscale="Viridis", colorbar={"title": "distance (rad)"}))
figure.add_scatter(x=-bends[:, INDEX["left_hip"]], y=bends[:, INDEX["left_knee"]], mode="markers", name="the walk",
                   marker={"color": "white", "size": 4})
figure.add_hline(y=0, line_dash="dash", line_color="white")
figure.update_layout(height=460, xaxis_title="hip: back - bent forward (degrees)",
                     yaxis_title="knee: backwards - bent (degrees)", margin={"t": 20, "b": 40}, showlegend=False)
figure.show()

# %% [markdown]
# In 3D: poses from that slice. The field calls the first near, the second far.

# %%
def leg(hip_degrees, knee_degrees):
    """That frame with the left leg bent so."""
    quats = one[0].clone()
    for joint, angle in (("left_hip", -np.radians(hip_degrees)), ("left_knee", np.radians(knee_degrees))):
        quats[INDEX[joint]] = axis_angle_to_quats(torch.tensor([angle, 0.0, 0.0]))
    return quats


def with_value(quats):
    """A label for a pose: its distance."""
    return f"{float(field(quats[None])):.3f} rad"


in_3d({with_value(quats): quats for quats in (leg(60, 70), leg(60, -50))})

# %% [markdown]
# **Try it.** Ask the field about your own pose: any joint, any angles. How far can the elbow bend before the field objects? And backwards? Then try the number that you remembered.

# %%
mine = one[0].clone()
mine[INDEX["left_elbow"]] = axis_angle_to_quats(torch.tensor([0.0, -1.5, 0.0]))  # change the joint or the angles (radians)

show({"as it was, " + with_value(one[0]): one[0], "changed, " + with_value(mine): mine})

# %% [markdown]
# ## 4. Projection, step by step
# Downhill on the field: every joint moves along its great circle, against the gradient, by a share of the distance that
# is left (NRDF's step). `keep_path=True` gives every pose on the way.

# %%
from humanav.posendf import project

noisy = axis_angle_noise(one, 0.3, generator)[0]
done = project(field, noisy, steps=100, keep_path=True)
steps = [0, 3, 8, 15, 30, 60, len(done.path) - 1]
sheet([done.path[k, 0] for k in steps], [f"step {k}: {float(field(done.path[k])):.3f}" for k in steps], columns=7)

# %%
way = done.path[:, 0]
figure = go.Figure([go.Scatter(y=field(way).numpy(), name="field"),
                    go.Scatter(y=pool.nearest(way)[0][:, 0].numpy(), name="nearest pose of the clips")])
figure.update_layout(height=300, xaxis_title="step", yaxis_title="rad", margin={"t": 20, "b": 40})
figure.show()

# %% [markdown]
# Beginning and end in 3D:

# %%
in_3d({"noisy": done.path[0, 0], "projected": done.path[-1, 0]})

# %% [markdown]
# **Try it.** Where does the way lead from farther off? With much noise it still ends at a pose that people take, but no longer at the one it came from: what was lost is lost, and the field knows only what is usual.

# %%
sigma = 0.6  # change

far = axis_angle_noise(one, sigma, generator)[0]
end = project(field, far, steps=100).quats
show({"noisy, " + with_value(far[0]): far[0], "projected, " + with_value(end[0]): end[0]})

# %% [markdown]
# ## 5. Judging a pose
# `score` gives the distance of every frame and names the joints that are to blame. Here are the spoilt poses of above:

# %%
from humanav.posendf import score

judged = score(field, torch.cat([one, *spoilt]))
for name, distance, worst in zip(labels, judged.distance.tolist(), judged.worst):
    print(f"{name:14} {distance:.3f} rad  {', '.join(worst)}")

# %% [markdown]
# **Try it.** Swap two joints and see whether the blame falls on them.

# %%
odd = one[0].clone()
odd[INDEX["left_wrist"]], odd[INDEX["left_hip"]] = one[0][INDEX["left_hip"]], one[0][INDEX["left_wrist"]]  # change

told = score(field, odd[None])
print(f"{float(told.distance[0]):.3f} rad, to blame: {', '.join(told.worst[0])}")
show({"odd": odd})

# %% [markdown]
# ## 6. Repair and completion
# Projection moves all joints a little. When one limb is wrong and the rest is right, it is better to find the limb and
# put only that right: `repair` is told nothing, `complete` is told which joints are hidden.

# %%
from humanav.posendf import complete, repair
from humanav.posendf.corrupt import LIMBS

broken = torch.cat(spoilt[2:])
mended = repair(field, broken)
sheet([*broken, *mended.quats], [*labels[3:], *("repaired",) * len(broken)], columns=len(broken))

# %%
# The left arm is hidden. One best guess, the mean of what may be, and two samples of it.
hidden = torch.zeros(21, dtype=torch.bool)
hidden[list(LIMBS["left_arm"])] = True
frames = torch.stack([clips[name][len(clips[name]) // 3] for name in ("walk", "wave", "dance", "run")])
without = torch.where(hidden[None, :, None], torch.tensor([1.0, 0, 0, 0]), frames)
filled = complete(field, without, ~hidden)
guesses = complete(field, without, ~hidden, samples=2, seed=1)
sheet([*frames, *filled, *guesses[0], *guesses[1]],
      [*("truth",) * 4, *("left arm filled in",) * 4, *("another guess",) * 8], columns=8)

# %% [markdown]
# One pose, repaired, in 3D:

# %%
in_3d({"repaired": mended.quats[1]})

# %% [markdown]
# **Try it.** Hide something else. The legs are guessed well from the trunk in a walk; are the arms?

# %%
limb = "right_leg"  # change: list(LIMBS)

gone = torch.zeros(21, dtype=torch.bool)
gone[list(LIMBS[limb])] = True
rest = torch.where(gone[:, None], torch.tensor([1.0, 0, 0, 0]), one[0])
show({"truth": one[0], "guess": complete(field, rest[None], ~gone)[0],
      "another": complete(field, rest[None], ~gone, samples=1, seed=3)[0][0]})

# %% [markdown]
# ## 7. Denoising a motion
# A motion holds more than its frames do one by one: what is lost in one may be seen in the next. `denoise` weighs the
# measured rotations, the field and the smoothness in time against each other, and finds frames that cannot be trusted.
# We damage the walk, wildly wrong joints and gaps both, and compare with a Gaussian filter.

# %%
from humanav.posendf import denoise
from humanav.posendf.filters import filter_motion
from humanav.posendf.measures import amplitude_kept, jitter, motion_mpjpe
from humanav.posendf.motion_noise import worsen

true = load_clip("walk")[:LENGTH]
bad, missing = worsen(true, "outliers+gaps", seed=3)
cleaned = denoise(bad, field=field, missing=missing)
smooth = filter_motion(bad, "gaussian", missing, seconds=0.06)
print(f"{'':12} error (mm)  amplitude kept  jitter (m/s^3)")
for name, motion in (("damaged", bad), ("Gaussian", smooth), ("denoised", cleaned.motion), ("truth", true)):
    print(f"{name:12} {motion_mpjpe(motion, true):10.1f} {amplitude_kept(motion, true):15.2f} {jitter(motion):15.0f}")

# %% [markdown]
# Side by side, to play and to turn:

# %%
def skeletons(motions, step=6):
    """Several motions next to each other as an animated Plotly figure."""
    from humanav.body.names import PARENTS

    traces = []
    for place, motion in enumerate(motions.values()):
        joints = body.from_motion(motion, vertices=False).joints[::step, :22].numpy().copy()
        joints[..., [0, 2]] -= joints[:, :1, [0, 2]]
        joints[..., 0] += 1.1 * place
        lines = np.full((len(joints), 21, 3, 3), np.nan, np.float32)
        lines[:, :, 0], lines[:, :, 1] = joints[:, 1:], joints[:, PARENTS[1:22]]
        traces.append(lines.reshape(len(joints), -1, 3))
    colors = ("#c2413b", "#8a8f98", "#2a7f62", "#3b6fb5")

    def draw(t):
        return [go.Scatter3d(x=line[t, :, 0], y=-line[t, :, 2], z=line[t, :, 1], mode="lines", name=name,
                             line={"width": 7, "color": color})
                for line, name, color in zip(traces, motions, colors)]

    count = min(map(len, traces))
    play = {"frame": {"duration": 1000 * step / true.fps, "redraw": True}, "fromcurrent": True}
    figure = go.Figure(draw(0), frames=[go.Frame(data=draw(t), name=str(t)) for t in range(count)])
    figure.update_layout(
        height=460, margin={"l": 0, "r": 0, "t": 0, "b": 0}, legend={"orientation": "h", "y": 0.98},
        scene={"aspectmode": "data", "camera": {"eye": {"x": 0.0, "y": -2.2, "z": 0.15}},
               "xaxis": {"visible": False, "range": [-0.7, 1.1 * len(motions) - 0.4]}, "yaxis": {"visible": False,
               "range": [-0.9, 0.9]}, "zaxis": {"visible": False, "range": [0, 2]}},
        updatemenus=[{"type": "buttons", "x": 0.02, "y": 0.1, "direction": "left", "buttons": [
            {"label": "Play", "method": "animate", "args": [None, play]},
            {"label": "Pause", "method": "animate", "args": [[None], {"mode": "immediate"}]}]}])
    return figure


skeletons({"damaged": bad, "Gaussian": smooth, "denoised": cleaned.motion, "truth": true}).show()

# %% [markdown]
# The distance of every frame before and after:

# %%
seconds = np.arange(len(bad)) / bad.fps
figure = go.Figure([go.Scatter(x=seconds, y=np.asarray(values), name=name) for name, values in (
    ("damaged", cleaned.distance_before), ("denoised", cleaned.distance_after), ("truth", field(walk[:LENGTH])))])
figure.update_layout(height=280, xaxis_title="seconds", yaxis_title="distance (rad)", margin={"t": 20, "b": 40})
figure.show()

# %% [markdown]
# **Try it.** Your own motion, or other damage: `noise`, `correlated`, `jitter`, `outliers`, `swapped limbs`, `frozen arm`. Which kind is a plain filter good enough for?

# %%
kind, mine = "jitter", ""  # change; mine: "my_motion.bvh"

clip = load_motion(mine, body) if mine else worsen(load_clip("wave")[:LENGTH], kind, seed=1)[0]
clean = denoise(clip, field=field)
print(f"distance {np.mean(clean.distance_before):.3f} rad before, {np.mean(clean.distance_after):.3f} after")
figure_motion(clean.motion, body, max_frames=15, title="Denoised").show()

# %% [markdown]
# ## 8. From one pose to another
# The shortest rotation of every joint (slerp) may lead through poses that nobody takes. `interpolate` bends the way so
# that it stays near real ones.

# %%
from humanav.posendf import interpolate
from humanav.posendf.quaternions import slerp

lowest = quats_to_axis_angle(clips["squat"])[:, INDEX["left_knee"]].norm(dim=-1).argmax()
start, end = clips["squat"][lowest], clips["celebrate"][len(clips["celebrate"]) // 2]
way = interpolate(field, start, end, WAY + 1)
straight = torch.stack([slerp(start, end, part) for part in torch.linspace(0, 1, WAY + 1).tolist()])
sheet([*straight[::WAY // 6], *way[::WAY // 6]], [*(f"slerp {k / 6:.0%}" for k in range(7)), *(f"manifold {k / 6:.0%}" for k in
                                                                               range(7))], columns=7)

# %%
part = np.linspace(0, 100, WAY + 1)
figure = go.Figure([go.Scatter(x=part, y=field(line).numpy(), name=name) for name, line in (("slerp", straight),
                                                                                        ("manifold", way))])
figure.update_layout(height=260, xaxis_title="per cent of the way", yaxis_title="distance (rad)",
                     margin={"t": 20, "b": 40})
figure.show()

# %% [markdown]
# The middle of both ways:

# %%
in_3d({"slerp, half way": straight[WAY // 2], "manifold, half way": way[WAY // 2]})

# %% [markdown]
# **Try it.** Choose two poses between which the straight way must go wrong, such as arms that would have to pass through each other.

# %%
first, last = clips["wave"][40], clips["bow"][40]  # change

there = interpolate(field, first, last, 1 + WAY // 3)
sheet(there, [f"{float(value):.3f}" for value in field(there)], columns=9)

# %% [markdown]
# ## 9. New poses
# Draw broadly and project. Beside them, the same draw without projection.

# %%
from humanav.posendf import PoseMixture, generate

made = generate(field, MANY, seed=2)
raw = PoseMixture.load().sample(MANY, torch.Generator().manual_seed(2))
print(f"field before projection {float(field(raw).mean()):.3f} rad, after {float(field(made).mean()):.3f} rad")
sheet(made, columns=6)

# %% [markdown]
# **Try it.** Another seed gives other people. Do you find one that you could not take yourself?

# %%
sheet(generate(field, MANY // 2, seed=7), columns=6)  # change the seed

# %% [markdown]
# Each new pose is a real one's neighbour, not its copy, and may be played from: `with_quats` puts it back on a motion
# that every other tool of humanav takes.
#
# ## Your own data
# ```
# humanav posendf prepare --amass AMASS --out data          # or --cmu FILE, --npz FILES: SMPL, SMPL-H and SMPL-X
# humanav posendf train --data data --out my_field
# humanav posendf denoise motion.bvh --out cleaned.npz
# humanav bench posendf                                     # the numbers of BENCHMARKS.md
# ```
# In the browser: `python app.py`, tab "Pose denoising".
#
# ## Where to go next
# - [4. From flat points to a body](04_uplift.ipynb): poses from 2D keypoints, which this field keeps plausible.
# - [2. From one photo to an avatar](02_photo_to_avatar.ipynb): whom to put a generated pose on.
# - [Tutorial: pose denoising](../docs/tutorials/poses.md), with every command.
# - [Start here](00_start_here.ipynb): all notebooks, and which one answers what.
