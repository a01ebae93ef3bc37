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
# # 1. The body and its motion
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/01_body_and_motion.ipynb)
#
# Everything in humanav is a `Motion` of a `BodyModel`, seen by a `Camera`. A photo becomes a body in a pose; a video becomes
# a motion; an avatar is that body, dressed. Know these three and all the rest is a matter of where they come from. This
# notebook shows them, and the files that bring motion in and out: AMASS, SMPL-X, Blender and BVH.
#
# - **You will make**: people of several shapes, a pose of your own, a walk to play, and that walk in five kinds of file.
# - **It takes**: half a minute of computing on two CPU cores; a quarter of an hour to read and try.
# - **You need**: nothing but humanav. The body and the clips come with it; no account, no motion capture.
#
# ![what this notebook makes](images/01_body_and_motion.png)

# %%
# Where humanav is installed, this cell does nothing. On Colab it fetches it in a few minutes; no graphics card is needed.
import importlib.util, os, sys
if importlib.util.find_spec("humanav") is None:
    # !git clone -q --depth 1 https://github.com/humanav/humanav ~/humanav-code && pip install -q -c ~/humanav-code/constraints.txt -e ~/humanav-code
    sys.path.append(os.path.expanduser("~/humanav-code"))

# %%
import tempfile
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from PIL import Image, ImageDraw

from humanav.body import BodyModel, measure
from humanav.camera import Camera
from humanav.motion import CLIP_NAMES, Motion, fit_to_shape, in_place, load_clip, load_motion, mirror, resample
from humanav.motion import save_npz, write_bvh
from humanav.render import render_mesh
from humanav.view import figure_motion, notebook
from humanav.view.notebook import bodies, sheet

notebook.prepare()


def picture(motion, frame=0, yaw=25, width=300, height=440):
    """One frame of a motion, seen from ``yaw`` degrees round the person."""
    vertices = body.from_motion(motion[frame]).vertices[0].numpy()
    middle = (vertices.max(axis=0) + vertices.min(axis=0)) / 2
    camera = Camera.orbit([middle[0], 1.0, middle[2]], 4.4, yaw, 6, width, height, focal=1.75 * height)
    return render_mesh(vertices, body.faces, camera)[0]


# %% [markdown]
# ## 1. Shape
# The built-in body has the joints and the file format of SMPL-X, so what is made with it also works with a licensed
# SMPL-X file. A few numbers (`betas`, one unit is one standard deviation of adults) set the shape; the first is mostly
# height.

# %%
body = BodyModel.load()
print(f"{len(body.v_template)} vertices, {len(body.joint_names)} joints, {body.num_betas} shape values, "
      f"{body.num_expressions} expressions")
standing = load_clip("idle")[0]
shapes = {"mean": np.zeros(20), "taller": np.r_[2.0, np.zeros(19)], "shorter": np.r_[-2.0, np.zeros(19)],
          "average man": body.mean_betas["man"], "average woman": body.mean_betas["woman"]}
people = [fit_to_shape(standing, body, betas) for betas in shapes.values()]
sheet([picture(p) for p in people], list(shapes), columns=5, height=420)

# %% [markdown]
# A tailor's tape round each of them:

# %%
tape = {name: measure(body, betas) for name, betas in shapes.items()}
names = ("height", "chest", "waist", "hip", "inseam", "arm_length", "mass")
notebook.table({name: [f"{getattr(m, n):.2f}" for n in names] for name, m in tape.items()},
               [n.replace("_", " ") for n in names]).show()

# %% [markdown]
# Three of them in 3D. Drag to turn, scroll to come nearer:

# %%
bodies(dict(zip(("shorter", "mean", "taller"), (people[2], people[0], people[1]))), body).show()

# %% [markdown]
# **Try it.** Make somebody. Change one number at a time, between -3 and 3, and look at the table first, then at the body: what does the second number do, at the same height? Few bodies differ from the mean by more than 2 in any number.

# %%
mine = np.zeros(20)
mine[0], mine[1], mine[2] = 0.0, 2.0, 0.0  # change these

you = measure(body, mine)
print(", ".join(f"{n.replace('_', ' ')} {getattr(you, n):.2f}" for n in names))
bodies({"mine": fit_to_shape(standing, body, mine)}, body).show()

# %% [markdown]
# ## 2. Pose
# A pose is one rotation per joint, as an axis times an angle in radians, relative to the parent's, from the T-pose.
# `Motion.from_full_pose` takes all 55 (or the 22 of the body) for any number of frames. Expressions have ARKit's names.

# %%
index = {name: k for k, name in enumerate(body.joint_names)}
pose = np.zeros((1, 55, 3))
pose[0, index["left_shoulder"]] = [0, 0, 0.9]        # up
pose[0, index["right_shoulder"]] = [0, 0, 1.25]      # down
pose[0, index["left_elbow"]] = [0, -0.5, 0]
pose[0, index["right_hip"]] = [-0.8, 0, 0]
pose[0, index["right_knee"]] = [1.2, 0, 0]
pose[0, index["head"]] = [0, 0.4, 0]
lifted = Motion.from_full_pose(pose, transl=[[0, 1.34, 0]])
sheet([picture(lifted, yaw=yaw) for yaw in (0, 45, 90, 180)], ["front", "45°", "left", "back"], columns=4, height=420)

# %% [markdown]
# **Try it.** Bend something else. Turn the figure and find out which way each of the three numbers turns a joint: x points to the person's left, y up, z to where they look. `list(body.joint_names)` has all the names.

# %%
posed = pose.copy()
posed[0, index["spine2"]] = [0.5, 0, 0]  # change the joint, or the three numbers (radians: 1.57 is a right angle)

bodies({"changed": Motion.from_full_pose(posed, transl=[[0, 1.34, 0]])}, body).show()

# %% [markdown]
# ## 3. Motion
# The library of clips was authored by this project: keyframed curves, planned footholds and leg inverse kinematics.

# %%
rows = [picture(in_place(load_clip(name)), round(part * (len(load_clip(name)) - 1)), width=240)
        for name in CLIP_NAMES for part in (0.15, 0.4, 0.55, 0.8)]
labels = [f"{name} {part:.0%}" for name in CLIP_NAMES for part in (0.15, 0.4, 0.55, 0.8)]
sheet(rows, labels, columns=8, height=180)

# %% [markdown]
# The walk as an animated skeleton: press play.

# %%
walk = load_clip("walk")
figure_motion(walk, body, title="walk", max_frames=40).show()

# %% [markdown]
# Feet do not slide: while a foot is on the floor its toe joint stands still. The speed of both toe joints over time:

# %%
joints = body.from_motion(walk, vertices=False).joints.numpy()
seconds = np.arange(len(walk) - 1) / walk.fps
speed = np.linalg.norm(np.diff(joints[:, [10, 11]], axis=0), axis=-1) * walk.fps
figure = go.Figure([go.Scatter(x=seconds, y=speed[:, k], name=side) for k, side in enumerate(("left", "right"))])
figure.update_layout(height=280, xaxis_title="seconds", yaxis_title="toe speed (m/s)", margin={"t": 20, "b": 40})
figure.show()

# %% [markdown]
# A clip for another shape, mirrored, at another frame rate: each is one call and gives a new `Motion`.

# %%
tall = fit_to_shape(walk, body, shapes["taller"])
print(f"mean shape: {walk.transl[-1, 2]:.2f} m in {len(walk)} frames")
print(f"taller:     {tall.transl[-1, 2]:.2f} m, the same angles with longer legs")
print(f"mirrored:   {len(mirror(walk))} frames, at 24 a second: {len(resample(walk, 24))}")

# %% [markdown]
# **Try it.** Take another clip. In which does a foot never rest? Which clip has a moment where both toes move fast at once (that is, where the person flies)?

# %%
clip = load_clip("run")  # change: any of CLIP_NAMES

figure_motion(clip, body, title=clip.name, max_frames=25).show()
toes = np.linalg.norm(np.diff(body.from_motion(clip, vertices=False).joints.numpy()[:, [10, 11]], axis=0), axis=-1) * clip.fps
print(f"both toes faster than 1 m/s in {(toes.min(axis=1) > 1).mean():.0%} of the frames")

# %% [markdown]
# ## 4. Files
# Motions come and go as npz in the key styles of the SMPL family, and as BVH for Blender, Maya and game engines.
# Reading back what was written:

# %%
with tempfile.TemporaryDirectory() as folder:
    files = {f"npz {style}": save_npz(walk, Path(folder) / f"{style}.npz", style)
             for style in ("humanav", "smplx", "amass", "blender")}
    files["bvh"] = write_bvh(walk, Path(folder) / "walk.bvh", body)
    for name, path in files.items():
        again = load_motion(path, body)
        moved = np.abs(body.from_motion(again, vertices=False).joints.numpy() - joints)
        print(f"{name:12} {path.stat().st_size / 1000:6.0f} kB, largest difference {moved.max() * 1000:.4f} mm")

# %% [markdown]
# The last frame, come back from a BVH. Such a file holds bones and no shape, which is why `load_motion` takes the body:

# %%
with tempfile.TemporaryDirectory() as folder:
    back = load_motion(write_bvh(walk, Path(folder) / "walk.bvh", body), body)
bodies({"from BVH": back[-1]}, body).show()

# %% [markdown]
# A file that is no motion gets one sentence:

# %%
from humanav.errors import MotionFileError

with tempfile.TemporaryDirectory() as folder:
    letter = Path(folder) / "letter.npz"
    letter.write_text("Dear reader")
    try:
        load_motion(letter)
    except MotionFileError as error:
        print(error)

# %% [markdown]
# **Try it.** Put the path of a file of yours: npz of AMASS, SMPL-X or SMPL-H, BVH, or AMC. With no path, the walk goes in.

# %%
mine = ""  # change: "my_motion.bvh"

motion = load_motion(mine, body) if mine else walk
print(f"{len(motion)} frames, {motion.fps:g} a second, {np.ptp(motion.transl[:, [0, 2]], axis=0).max():.1f} m across")
figure_motion(motion, body, max_frames=20).show()

# %% [markdown]
# ## 5. Camera
# A pinhole camera in OpenCV's convention. `orbit` puts it round a person, `project` gives pixels.

# %%
camera = Camera.orbit([0, 0.95, 0], 4.4, yaw=25, pitch=6, width=420, height=600, focal=1050)
wave = load_clip("wave")[60]
out = body.from_motion(wave)
image, _ = render_mesh(out.vertices[0].numpy(), body.faces, camera)
pixels, _ = camera.project(out.joints[0, :22].numpy())
drawing = Image.fromarray(image)
for x, y in pixels:
    ImageDraw.Draw(drawing).ellipse([x - 4, y - 4, x + 4, y + 4], fill=(209, 73, 91))
notebook.picture(drawing)

# %% [markdown]
# Where that camera stands: lines lead from it to head, hands and feet, through the pixels that are marked above.

# %%
def seen_from(camera):
    """The body, and the camera's rays to five of its joints."""
    figure = bodies({"wave": wave}, body, apart=0)
    ends = out.joints[0, [15, 20, 21, 10, 11]].numpy()
    rays = np.array([point for end in ends for point in (camera.center, end, np.full(3, np.nan))])
    figure.add_scatter3d(x=1000 * rays[:, 0], y=-1000 * rays[:, 2], z=1000 * rays[:, 1], mode="lines",
                         line={"color": "#d1495b", "width": 3}, hoverinfo="skip")
    figure.update_scenes(aspectmode="data", camera_eye={"x": 1.6, "y": -0.9, "z": 0.5}, xaxis_range=None, yaxis_range=None,
                         zaxis_range=None)
    return figure


seen_from(camera).show()

# %% [markdown]
# **Try it.** Go round, higher, nearer. Why do the legs look short from `pitch=50`? With twice the `focal` from twice the distance she has the same size in the picture: what else has changed?

# %%
other = Camera.orbit([0, 0.95, 0], 4.4, yaw=25, pitch=50, width=420, height=600, focal=1050)  # change

seen_from(other).show()
notebook.picture(render_mesh(out.vertices[0].numpy(), body.faces, other)[0])

# %% [markdown]
# ## Where to go next
# - [2. From one photo to an avatar](02_photo_to_avatar.ipynb): where shapes and poses come from when all you have is a photo.
# - [3. The poses that people take](03_pose_ndf.ipynb): how a program can know that a pose is odd.
# - [File formats](../docs/reference/files.md) and [conventions](../docs/reference/conventions.md): axes, units, every key in every file.
# - [Start here](00_start_here.ipynb): all notebooks, and which one answers what.
