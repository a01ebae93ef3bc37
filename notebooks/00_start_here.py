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
# # Start here
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/00_start_here.ipynb)
#
# humanav makes a person whom you can turn, animate, measure, download and share, out of a photo, a video, keypoints, a
# shaky motion or several views. It runs on two CPU cores, offline. These notebooks open it up: each takes one job apart,
# shows every step in pictures and in 3D, and leaves cells for you to change.
#
# - **You will make**: a photo measured, and a clip to play: your first results, here on this page.
# - **It takes**: less than a minute of computing on two CPU cores; five minutes to read.
# - **You need**: nothing but humanav: no graphics card, no account, no download of models.
#
# ![what this notebook makes](images/00_start_here.png)

# %%
# Where humanav is installed, this cell does nothing. On Colab it fetches it in a few minutes; no graphics card is needed.
import importlib.util, os, sys
if importlib.util.find_spec("humanav") is None:
    # !git clone -q --depth 1 https://github.com/humanav/humanav ~/humanav-code && pip install -q -c ~/humanav-code/constraints.txt -e ~/humanav-code
    sys.path.append(os.path.expanduser("~/humanav-code"))

# %% [markdown]
# ## A first result: measure a photo
# One photo, the person in it, and the body that lies on them. The photo is a sample: put the path of one of yours, with the
# whole body in the picture.

# %%
from humanav.body import BodyModel, measure
from humanav.paths import sample_photos
from humanav.perception import MediapipeDetector, load_image, refine_matte
from humanav.track import fit_photo
from humanav.view import draw_keypoints, draw_overlay, figure_motion, notebook
from humanav.view.notebook import bodies, sheet

notebook.prepare()
photo = sample_photos()[0]  # change: "my_photo.jpg"

body = BodyModel.load()
image = load_image(photo)
with MediapipeDetector() as detector:
    person = detector.detect(image)[0]
fit = fit_photo(image, person, refine_matte(image, person.mask, person.keypoints), body=body)
vertices = body.from_motion(fit.motion).vertices[0].numpy()
sheet([image, draw_keypoints(image, person), draw_overlay(image, vertices, body.faces, fit.camera, side_view=False)],
      ["the photo", "what was found", "the body on it"], columns=3, height=380)

# %%
size = measure(body, fit.motion.betas)
print(f"{size.height:.2f} m tall, chest {size.chest:.2f} m, waist {size.waist:.2f} m, hips {size.hip:.2f} m, "
      f"inside leg {size.inseam:.2f} m")
bodies({"fitted": vertices}, body).show()

# %% [markdown]
# A photo shows no size: that of an average person is assumed, and the proportions are what was measured. Drag the body to
# turn it, and look from the side, which the photo could not show.
#
# ## And one that moves
# A clip of the built-in library. Press Play; drag to turn.

# %%
from humanav.motion import CLIP_NAMES, load_clip

clip = load_clip("celebrate")
figure_motion(clip, body, max_frames=40, title=clip.name).show()

# %% [markdown]
# **Try it.** Another clip. In `wave` the feet stand still, and the dots on the floor say so; what do they say in `run`?

# %%
print(", ".join(CLIP_NAMES))
clip = load_clip("run")  # change

figure_motion(clip, body, max_frames=30, title=clip.name).show()

# %% [markdown]
# ## The five jobs
# | | In | Out | Notebook | Tutorial |
# |---|---|---|---|---|
# | <img src="images/02_photo_to_avatar.png" width="200"> | a photo, or two | an avatar: dressed, painted, with a skeleton | [2](02_photo_to_avatar.ipynb), finer: [6](06_gaussian_avatar.ipynb) | [Photo to avatar](../docs/tutorials/photo.md) |
# | <img src="images/03_pose_ndf.png" width="200"> | a shaky or broken motion | a clean one; new poses | [3](03_pose_ndf.ipynb) | [Pose denoising](../docs/tutorials/poses.md) |
# | <img src="images/04_uplift.png" width="200"> | 2D keypoints | joint rotations, joint angles | [4](04_uplift.ipynb) | [2D to 3D](../docs/tutorials/uplift.md) |
# | <img src="images/05_track_a_video.png" width="200"> | a video | a motion on a floor | [5](05_track_a_video.ipynb) | [Video tracking](../docs/tutorials/track.md) |
# | <img src="images/07_multiview.png" width="200"> | two to twelve videos of one moment | everybody in one world, in contact | [7](07_multiview.ipynb) | [Multi-view capture](../docs/tutorials/multiview.md) |
#
# ## Which notebook answers your question
# | Question | Notebook |
# |---|---|
# | What is a `Motion`, a `BodyModel`, a `Camera`? How do AMASS, SMPL-X, BVH and Blender files go in and out? | [1. The body and its motion](01_body_and_motion.ipynb) |
# | How does one photo become a person? What was seen, and what was made up? | [2. From one photo to an avatar](02_photo_to_avatar.ipynb) |
# | Is this pose one that people take? How do I clean a capture, or fill in what is missing? | [3. The poses that people take](03_pose_ndf.ipynb) |
# | I have keypoints. What are the joint angles? How would I train such a network? | [4. From flat points to a body](04_uplift.ipynb) |
# | I have a clip. How good is the motion, and how do I know? Can somebody else take the person's place? | [5. From a video to motion](05_track_a_video.ipynb) |
# | How do clothes and hair get soft edges, and move? What does training an avatar do? | [6. An avatar of Gaussians](06_gaussian_avatar.ipynb) |
# | My cameras disagree. People hug, and the tracker mixes them up. | [7. Several views, several people](07_multiview.ipynb) |
#
# New here? 1, 2 and 5 in this order are a good course. Each stands alone as well.
#
# ## How to run them
# - **In the browser**: the badge at the top of each opens it on Colab; run the cells from the top. A CPU runtime is enough.
# - **On your machine**: `pip install -e ".[notebooks]" jupyterlab` in a clone, then `jupyter lab notebooks`; or open them in
#   VS Code. The `.py` beside each notebook is the same text, for editors and for reading changes.
# - **In a hurry**: `HUMANAV_NOTEBOOK_MINUTES=0.1` in the environment shortens all trainings.
#
# GitHub shows pictures but nothing to turn: open a notebook in Jupyter, VS Code or Colab for that.
#
# ## Where to go next
# - [1. The body and its motion](01_body_and_motion.ipynb): what everything else is made of.
# - The same jobs without code: `python app.py`, or `humanav --help` in a shell ([start](../docs/start.md)).
# - [File formats](../docs/reference/files.md), [conventions](../docs/reference/conventions.md), and
#   [answers to common questions](../docs/help/faq.md).
