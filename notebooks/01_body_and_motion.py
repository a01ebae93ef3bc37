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
# # The body and its motion
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/01_body_and_motion.ipynb)
#
# Everything in humanav is a `Motion` of a `BodyModel`, seen by a `Camera`. This notebook shows the three, and the files
# that bring motion in and out: AMASS, SMPL-X, Blender and BVH.
#
# ![what this notebook makes](images/01_body_and_motion.png)

# %%
# On Colab: !git clone https://github.com/humanav/humanav && cd humanav && pip install -q -c constraints.txt -e .
import tempfile
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
from PIL import Image, ImageDraw

from humanav.body import BodyModel, measure
from humanav.camera import Camera
from humanav.motion import CLIP_NAMES, Motion, fit_to_shape, in_place, load_clip, load_motion, mirror, resample
from humanav.motion import save_npz, write_bvh
from humanav.render import render_mesh
from humanav.view import contact_sheet, figure_body, figure_motion

pio.renderers.default = "plotly_mimetype+notebook_connected"


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
Image.fromarray(contact_sheet([picture(p) for p in people], list(shapes), columns=5, height=420))

# %% [markdown]
# A tailor's tape round each of them:

# %%
tape = {name: measure(body, betas) for name, betas in shapes.items()}
names = ("height", "chest", "waist", "hip", "inseam", "arm_length", "mass")
go.Figure(go.Table(
    header={"values": ["", *(n.replace("_", " ") for n in names)], "align": "left"},
    cells={"values": [list(tape), *([f"{getattr(m, n):.2f}" for m in tape.values()] for n in names)], "align": "left"},
)).update_layout(height=190, margin={"l": 0, "r": 0, "t": 10, "b": 0}).show()

# %% [markdown]
# The body in 3D, to turn:

# %%
vertices = body.from_motion(people[0]).vertices[0].numpy()
figure_body(vertices, body.faces, height=460).show()

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
Image.fromarray(contact_sheet([picture(lifted, yaw=yaw) for yaw in (0, 45, 90, 180)], ["front", "45°", "left", "back"],
                              columns=4, height=420))

# %% [markdown]
# ## 3. Motion
# The library of clips was authored by this project: keyframed curves, planned footholds and leg inverse kinematics.

# %%
rows = [picture(in_place(load_clip(name)), round(part * (len(load_clip(name)) - 1)), width=240)
        for name in CLIP_NAMES for part in (0.15, 0.4, 0.55, 0.8)]
labels = [f"{name} {part:.0%}" for name in CLIP_NAMES for part in (0.15, 0.4, 0.55, 0.8)]
Image.fromarray(contact_sheet(rows, labels, columns=8, height=260))

# %% [markdown]
# The walk as an animated skeleton: press play.

# %%
walk = load_clip("walk")
figure_motion(walk, body, title="walk").show()

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
drawing

# %% [markdown]
# Next: [from one photo to an avatar](02_photo_to_avatar.ipynb).
