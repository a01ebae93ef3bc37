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
# # From one photo to an avatar
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/02_photo_to_avatar.ipynb)
#
# Each step of the app on its own: read a photo, find the person, cut the person out, fit the body, dress and paint it,
# and move it. Everything runs on the CPU.
#
# ![what this notebook makes](images/02_photo_to_avatar.png)

# %%
# On Colab: !git clone https://github.com/humanav/humanav && cd humanav && pip install -q -c constraints.txt -e .
import plotly.graph_objects as go
import plotly.io as pio
from PIL import Image

from humanav.body import BodyModel, measure
from humanav.paths import asset
from humanav.perception import MediapipeDetector, load_image, refine_matte
from humanav.view import contact_sheet, draw_keypoints, draw_matte, draw_overlay

pio.renderers.default = "plotly_mimetype+notebook_connected"

# %% [markdown]
# ## 1. The photo and the person in it
# The samples were made by the project's own generator of synthetic people; put the path of a photo of yours here.

# %%
photo = sorted(asset("samples").glob("*.jpg"))[0]
image = load_image(photo)
with MediapipeDetector() as detector:
    person = detector.detect(image)[0]
alpha = refine_matte(image, person.mask, person.keypoints)
print(f"{image.shape[1]} x {image.shape[0]} pixels, {int((person.keypoints[:, 2] > 0.5).sum())} body points seen")
Image.fromarray(contact_sheet([image, draw_keypoints(image, person), draw_matte(image, alpha)],
                              ["photo", "keypoints", "cut out"], columns=3, height=420))

# %% [markdown]
# ## 2. The body
# `fit_photo` finds camera, pose and shape. The report says how well; the side view shows what the overlay cannot.

# %%
from humanav.track import fit_photo
from humanav.view import draw_side_view

body = BodyModel.load()
fit = fit_photo(image, person, alpha, body=body)
vertices = body.from_motion(fit.motion).vertices[0].numpy()
print(f"{fit.report.reprojection_pct_height:.2f} % of the height off at the joints, "
      f"{fit.report.iou:.1%} of the outline covered, in {fit.report.seconds:.1f} s")
Image.fromarray(contact_sheet([draw_overlay(image, vertices, body.faces, fit.camera, side_view=False),
                               draw_side_view(vertices, body.faces, fit.camera, up=fit.report.up)],
                              ["over the photo", "from the side"], columns=2, height=480))

# %% [markdown]
# The same body in 3D, to turn:

# %%
x, y, z = vertices.T
i, j, k = body.faces.T
figure = go.Figure(go.Mesh3d(x=x, y=-z, z=y, i=i, j=j, k=k, color="#b9b3a8", lighting={"ambient": 0.55}))
figure.update_layout(height=460, margin={"l": 0, "r": 0, "t": 0, "b": 0},
                     scene={"aspectmode": "data", "camera": {"eye": {"x": 0.6, "y": -1.9, "z": 0.3}},
                            "xaxis_title": "x (m)", "yaxis_title": "depth (m)", "zaxis_title": "y, up (m)"})
figure.show()

# %%
for name, value in vars(measure(body, fit.motion.betas)).items():
    if isinstance(value, float):
        print(f"{name.replace('_', ' '):20} {value:.2f} {'kg' if name == 'mass' else 'm'}")

# %% [markdown]
# ## 3. Clothes, hair and texture
# `build_avatar` takes any number of views `(image, alpha, camera, motion)`; here there is one.

# %%
from humanav.avatar import View, build_avatar
from humanav.view import animation_frames, turntable

avatar = build_avatar([View(image, alpha, fit.camera, fit.motion)], fit.motion.betas, body, texture_size=1024)
sides = list(turntable(avatar, seconds=4, fps=1))
Image.fromarray(contact_sheet([*sides, avatar.texture], ["front", "left", "back", "right", "texture"], columns=5,
                              height=420))

# %% [markdown]
# ## 4. Motion, and a file to take away

# %%
from humanav.export import write_glb
from humanav.motion import fit_to_shape, in_place, load_clip

walk = fit_to_shape(load_clip("walk"), body, avatar.betas)
frames = list(animation_frames(avatar, in_place(walk)[:: len(walk) // 6]))[:6]
Image.fromarray(contact_sheet(frames, columns=6, height=320))

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    glb = write_glb(avatar, Path(folder) / "avatar.glb", {"walk": walk})
    print(f"avatar.glb, {glb.stat().st_size / 1e6:.1f} MB: opens in Blender, Unity and every glTF viewer")

# %% [markdown]
# All of this in one call, with videos, BVH and measurements: `humanav.jobs.photo_to_avatar("photo.jpg", out="result")`,
# or `humanav avatar photo.jpg --out result` in a shell.
