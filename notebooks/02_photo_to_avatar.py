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
# # 2. From one photo to an avatar
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/02_photo_to_avatar.ipynb)
#
# One photo shows one side of a person in one pose. An avatar needs all sides in every pose. What lies between is a body: once
# it is known how the person stands and how they are built, the picture can be laid on it like a coat, and the body moved.
# Here is each step of the app on its own: read a photo, find the person, cut them out, fit the body, dress and paint it, and
# move it.
#
# - **You will make**: a person to turn, cut out of a photo; their measurements; a walk; and a file that Blender and Unity open.
# - **It takes**: about a minute of computing on two CPU cores; a quarter of an hour to read and try.
# - **You need**: nothing but humanav, which brings sample photos; better still, a full-body photo of your own.
#
# ![what this notebook makes](images/02_photo_to_avatar.png)

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

from humanav.body import BodyModel, measure
from humanav.paths import asset
from humanav.perception import MediapipeDetector, load_image, refine_matte
from humanav.view import draw_keypoints, draw_matte, draw_overlay, notebook
from humanav.view.notebook import bodies, framed, lighter, sheet

notebook.prepare()

# %% [markdown]
# ## 1. The photo and the person in it
# A detector (MediaPipe) names points of the body and gives a rough outline; `refine_matte` makes the outline sharp. Everything
# that follows trusts these two, so look at them first when a result is odd.
#
# The samples were made by the project's own generator of synthetic people.

# %%
photo = sorted(asset("samples").glob("*.jpg"))[0]
image = load_image(photo)
with MediapipeDetector() as detector:
    person = detector.detect(image)[0]
alpha = refine_matte(image, person.mask, person.keypoints)
print(f"{image.shape[1]} x {image.shape[0]} pixels, {int((person.keypoints[:, 2] > 0.5).sum())} body points seen")
sheet([image, draw_keypoints(image, person), draw_matte(image, alpha)], ["photo", "keypoints", "cut out"], columns=3,
      height=360)

# %% [markdown]
# **Try it.** Put the path of a photo of yours, or take another sample, and look for points that lie beside the joint they mean, and for background that was taken for hair. To go on with that photo, set `photo` in the cell above and run on from there.

# %%
other = sorted(asset("samples").glob("*.jpg"))[1]  # change: "my_photo.jpg"

picture = load_image(other)
with MediapipeDetector() as detector:
    somebody = detector.detect(picture)[0]
sheet([draw_keypoints(picture, somebody), draw_matte(picture, refine_matte(picture, somebody.mask, somebody.keypoints))],
      ["keypoints", "cut out"], columns=2, height=420)

# %% [markdown]
# ## 2. The body
# `fit_photo` finds camera, pose and shape together: the body must lie on the points and fill the outline, and stand as people
# do. One photo does not tell depth, so limbs may point at the camera or away from it with the same picture. The report says how well; the side view shows what the overlay cannot.

# %%
from humanav.track import fit_photo
from humanav.view import draw_side_view

body = BodyModel.load()
fit = fit_photo(image, person, alpha, body=body)
vertices = body.from_motion(fit.motion).vertices[0].numpy()
print(f"{fit.report.reprojection_pct_height:.2f} % of the height off at the joints, "
      f"{fit.report.iou:.1%} of the outline covered, in {fit.report.seconds:.1f} s")
sheet([draw_overlay(image, vertices, body.faces, fit.camera, side_view=False),
       draw_side_view(vertices, body.faces, fit.camera, up=fit.report.up)], ["over the photo", "from the side"], columns=2,
      height=480)

# %% [markdown]
# The same body in 3D, beside one of mean shape in the same pose:

# %%
from dataclasses import replace

average = replace(fit.motion, betas=np.zeros_like(fit.motion.betas))
bodies({"fitted": fit.motion, "mean shape": average}, body, apart=0.9).show()

# %%
for name, value in vars(measure(body, fit.motion.betas)).items():
    if isinstance(value, float):
        print(f"{name.replace('_', ' '):20} {value:.2f} {'kg' if name == 'mass' else 'm'}")

# %% [markdown]
# **Try it.** Take away what the fit was told. Hide the hands, or a whole arm, from the keypoints, and see what it puts there instead: the likeliest pose, which looks fine and is a guess. That is why the app marks what was made up.

# %%
names = ("left_elbow", "left_wrist", "left_pinky", "left_index", "left_thumb")  # change; () hides nothing

from humanav.body.landmarks import KEYPOINT_SETS

points = person.keypoints.copy()
points[[KEYPOINT_SETS["blazepose33"].index(name) for name in names], 2] = 0
guessed = fit_photo(image, replace(person, keypoints=points, left_hand=None, right_hand=None), None, body=body)
bodies({"all points": fit.motion, "some hidden": guessed.motion}, body, apart=0.9).show()

# %% [markdown]
# ## 3. Clothes, hair and texture
# The bare body is moved out to the outline, where clothes and hair are; then the picture is projected onto it. What the photo
# does not show is filled in to match. `build_avatar` takes any number of views `(image, alpha, camera, motion)`: with a second
# photo, of the back, nothing of the back is guessed. Here there is one.

# %%
from humanav.avatar import View, build_avatar
from humanav.view import animation_frames, turntable

avatar = build_avatar([View(image, alpha, fit.camera, fit.motion)], fit.motion.betas, body, texture_size=1024)
sides = list(turntable(avatar, seconds=4, fps=1))
sheet([*sides, avatar.texture], ["front", "left", "back", "right", "texture"], columns=5, height=340)

# %% [markdown]
# What clothes and hair add to the body, in 3D:

# %%
from humanav.view import relaxed_pose

rest = replace(relaxed_pose(), betas=fit.motion.betas)
figure = bodies({"dressed": avatar.pose(rest.full_pose[0], rest.transl[0])}, body, faces=avatar.faces)
figure.show()

# %% [markdown]
# ## 4. Motion, and a file to take away
# The avatar has the body's skeleton, so any motion of the body moves it. `fit_to_shape` keeps the feet on the floor with
# longer or shorter legs.

# %%
from humanav.export import write_glb
from humanav.motion import fit_to_shape, in_place, load_clip

walk = fit_to_shape(load_clip("walk"), body, avatar.betas)
frames = list(animation_frames(avatar, in_place(walk)[:: len(walk) // 6]))[:6]
sheet(frames, columns=6, height=260)

# %%
with tempfile.TemporaryDirectory() as folder:
    glb = write_glb(avatar, Path(folder) / "avatar.glb", {"walk": walk})
    print(f"avatar.glb, {glb.stat().st_size / 1e6:.1f} MB: opens in Blender, Unity and every glTF viewer")

# %% [markdown]
# The same person to turn and play, here in the notebook (drawn coarser than it is, to keep the notebook small):

# %%
from humanav.view import player_page

with tempfile.TemporaryDirectory() as folder:
    small = replace(lighter(avatar), texture=avatar.texture[::2, ::2])
    page = player_page(write_glb(small, Path(folder) / "light.glb", {"walk": in_place(walk)}, max_fps=15))
framed(page, height=460, title="the avatar walks")

# %% [markdown]
# **Try it.** Another motion: any clip, or a file of yours (`load_motion`). Look at the hem and the armpits in wide movements: there a textured mesh shows its limits, which notebook 6 is about.

# %%
clip = "celebrate"  # change: any of humanav.motion.CLIP_NAMES

moved = in_place(fit_to_shape(load_clip(clip), body, avatar.betas))
sheet(list(animation_frames(avatar, moved[:: len(moved) // 6]))[:6], columns=6, height=260)

# %% [markdown]
# ## Where to go next
# All of this in one call, with videos, BVH and measurements: `humanav.jobs.photo_to_avatar("photo.jpg", out="result")`; or
# `humanav avatar photo.jpg --out result` in a shell; or the first tab of `python app.py`.
#
# - [6. An avatar of Gaussians](06_gaussian_avatar.ipynb): soft edges, hair, and clothes that move with the pose.
# - [5. From a video to motion](05_track_a_video.ipynb): a motion of somebody else for this avatar.
# - [Tutorial: photo to avatar](../docs/tutorials/photo.md), with every option.
# - [Start here](00_start_here.ipynb): all notebooks, and which one answers what.
