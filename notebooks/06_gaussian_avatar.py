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
# # 6. An avatar of Gaussians
#
# [![Open In Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/humanav/humanav/blob/main/notebooks/06_gaussian_avatar.ipynb)
#
# A textured mesh has hard edges, and its clothes move like skin. PERSONA (Sim and Moon, ICCV 2025) makes a person of
# Gaussians instead, which pictures can teach: one real photo says what the person looks like, generated pictures say how
# they look in other poses. Here is each part of our own version in small: the splatter, the Gaussians on the body, the
# training frames, the training, and its two ideas switched off.
#
# The person does not exist: they were rendered, in clothes that hang and swing, so the truth is known in every pose.
#
# - **You will make**: a picture out of 150 blobs, an avatar that learned how its clothes move, and a page that plays it.
# - **It takes**: one to two minutes of computing on two CPU cores; half an hour to read and try.
# - **You need**: nothing but humanav: no graphics card, no video model, no download.
#
# ![what this notebook makes](images/06_gaussian_avatar.png)

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
import torch

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.metrics import psnr
from humanav.paths import home
from humanav.render import rasterize, render_mesh
from humanav.view import notebook
from humanav.view.notebook import framed, sheet

notebook.prepare()
sys.path.append(str(home() / "benchmarks"))  # for the true clothes
body = BodyModel.load()
GREY = (128, 128, 128)
THOROUGH = notebook.minutes(1) >= 1
STEPS = 300 if THOROUGH else 24


def pixels(rgb):
    """0..1 to bytes."""
    return (np.clip(np.asarray(rgb), 0, 1) * 255 + 0.5).astype(np.uint8)


# %% [markdown]
# ## 1. The splatter on a toy scene
# A Gaussian is a soft ellipsoid with a centre, three axes, an opacity and a colour. `rasterize` draws many of them, and
# the picture can be differentiated by everything. So 150 random ones can be asked to become a picture: draw, compare,
# follow the gradient.

# %%
size = 72
y, x = np.mgrid[:size, :size] / (size - 1) * 2 - 1
disc, ring = x**2 + y**2 < 0.16, np.abs(np.hypot(x, y) - 0.72) < 0.13
toy = np.where(disc[..., None], [0.95, 0.75, 0.2], np.where(ring[..., None], [0.15, 0.45, 0.7], [0.96, 0.95, 0.92]))
target = torch.from_numpy(toy).float()
camera = Camera.from_focal(size, size, focal=2.0 * size)
camera = replace(camera, t=np.array([0.0, 0.0, 4.0]))

generator = torch.Generator().manual_seed(1)
count = 150
means = (torch.rand(count, 3, generator=generator) - 0.5) * torch.tensor([1.8, 1.8, 0.2])
quats = torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1)
log_scales = torch.full((count, 3), -2.6)
opacity, color = torch.zeros(count), torch.randn(count, 3, generator=generator)
leaves = [leaf.requires_grad_() for leaf in (means, quats, log_scales, opacity, color)]
optimizer = torch.optim.Adam([{"params": [leaf], "lr": lr} for leaf, lr in zip(leaves, (8e-3, 1e-2, 2e-2, 3e-2, 5e-2))])


def drawn():
    return rasterize(means, quats, log_scales.exp(), opacity.sigmoid(), color.sigmoid(), camera.viewmat, camera.K, size,
                     size, background=torch.ones(3))[0]


shots, losses = [], []
for step in range(241):
    picture = drawn()
    loss = (picture - target).abs().mean()
    if step in (0, 10, 40, 100, 240):
        shots.append(pixels(picture.detach()))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
sheet([pixels(toy), *shots], ["the picture", *(f"after {n} steps" for n in (0, 10, 40, 100, 240))], height=220)

# %% [markdown]
# The 150 blobs themselves, to turn: seen from the side there is no picture, for nothing has asked for one there.

# %%
with torch.no_grad():
    dots, shade = means.numpy(), pixels(color.sigmoid())
    large = (60 * log_scales.exp().mean(dim=1)).clamp(3, 30).numpy()
figure = go.Figure(go.Scatter3d(x=dots[:, 0], y=dots[:, 2], z=-dots[:, 1], mode="markers", hoverinfo="skip",
                                marker={"size": large, "color": [f"rgb({r},{g},{b})" for r, g, b in shade], "line": {"width": 0}}))
figure.update_layout(height=400, margin={"l": 0, "r": 0, "t": 0, "b": 0}, scene={
    "aspectmode": "data", "camera": {"eye": {"x": 0.3, "y": -1.5, "z": 0.3}},
    **{axis: {"visible": False} for axis in ("xaxis", "yaxis", "zaxis")}}).show()

# %% [markdown]
# Is the gradient right? Move one centre a little and see what the loss does (in the float64 reference that the tests use,
# so that small differences can be seen).

# %%
frozen = [leaf.detach().double() for leaf in leaves]


def loss_at(shift):
    moved = frozen[0].clone()
    moved[7, 0] += shift
    image = rasterize(moved, frozen[1], frozen[2].exp(), frozen[3].sigmoid(), frozen[4].sigmoid(), camera.viewmat,
                      camera.K, size, size, background=torch.ones(3), backend="torch")[0]
    return float(((image - target.double()) ** 2).sum())


ours = [leaf.detach().requires_grad_() for leaf in leaves]
image = rasterize(ours[0], ours[1], ours[2].exp(), ours[3].sigmoid(), ours[4].sigmoid(), camera.viewmat, camera.K, size,
                  size, background=torch.ones(3))[0]
((image - target) ** 2).sum().backward()
print(f"derivative by the 8th centre's x: {float(ours[0].grad[7, 0]):.4f} by the splatter, "
      f"{(loss_at(1e-5) - loss_at(-1e-5)) / 2e-5:.4f} by two more pictures")

# %% [markdown]
# **Try it.** Fewer blobs, larger blobs, other colours: change `count`, or the -2.6 in `log_scales`, in the cell that drew the picture, and run it again. From how few can you still tell what it is? The number to beat:

# %%
print(f"{count} blobs: off by {losses[-1]:.4f} on average (of 1), after {len(losses) - 1} steps; at first {losses[0]:.4f}")

# %% [markdown]
# ## 2. One photo, and the person as Gaussians on the body
# The photo, with the body in it, its camera and the cut-out. (Here they are exact; notebook 02 finds them in a real
# photo.) The mesh avatar comes first: the Gaussians begin as flat discs on its surface, with its colours.

# %%
from _avatar_cloth import clothed, posed_as
from humanav.avatar import View, build_avatar
from humanav.avatar.gaussian import from_mesh
from humanav.synth import make_pose, photograph, sample_person

person = clothed(sample_person(311, pose="a_pose", clothes="casual", yaw=10))
shot = photograph(person, size=(384, 512))
photo = View(shot.image, shot.mask, shot.camera, shot.motion)
mesh = build_avatar([photo], shot.betas, body, texture_size=512)
begin = from_mesh(mesh, 15_000, body=body)
pose, place = shot.motion.full_pose[0], shot.motion.transl[0]


def side_camera(who, yaw, size=(240, 330)):
    """A camera that shows all of a true person from a side."""
    points = who.mesh["points"]
    low, high = points.min(axis=0), points.max(axis=0)
    extent = max(high[1] - low[1], np.linalg.norm((high - low)[[0, 2]]))
    return Camera.orbit((low + high) / 2, 2.2 * extent, yaw, 5, *size, focal=1.95 * size[1])


def mesh_picture(camera, pose=pose, place=place):
    return render_mesh(mesh.pose(pose, place), mesh.faces, camera, texture=mesh.texture, uv=mesh.uv,
                       uv_faces=mesh.uv_faces, unlit=True, background=GREY)[0]


def picture(avatar, camera, pose=pose, place=place, **options):
    return pixels(avatar.render(camera, pose, place, background=np.full(3, 128 / 255), **options).rgb)


front, back = side_camera(person, person.scene.yaw), side_camera(person, person.scene.yaw + 150)
thin = replace(begin, log_scales=begin.log_scales - 0.9)
sheet([shot.image, mesh_picture(front), picture(thin, front), picture(begin, front), picture(begin, back)],
      ["the photo", "the mesh", "15,000 Gaussians, shrunk", "as they begin", "from behind"], columns=5, height=330)

# %% [markdown]
# Where they sit: every ninth Gaussian of the avatar, in its own colour, to turn.

# %%
def cloud(*avatars, pose=pose, place=place, step=9, height=460):
    """Avatars of Gaussians beside each other, as coloured points."""
    figure = go.Figure()
    for number, one in enumerate(avatars):
        at = np.rint(1000 * (one.pose(pose, place).means[::step] + [1.1 * number, 0, 0])).astype(np.int16)
        paint = [f"rgb({r},{g},{b})" for r, g, b in pixels(one.rgb[::step]) // 8 * 8]
        figure.add_scatter3d(x=at[:, 0], y=-at[:, 2], z=at[:, 1], mode="markers", hoverinfo="skip", showlegend=False,
                             marker={"size": 3, "color": paint, "line": {"width": 0}})
    return figure.update_layout(height=height, margin={"l": 0, "r": 0, "t": 0, "b": 0}, scene={
        "aspectmode": "data", "camera": {"eye": {"x": 0.5, "y": -1.6, "z": 0.2}},
        **{axis: {"visible": False} for axis in ("xaxis", "yaxis", "zaxis")}})


cloud(begin).show()

# %% [markdown]
# **Try it.** Fewer or more Gaussians on the body. From how many on does the picture no longer show where one ends?

# %%
count = 2000  # change: 500 to 30,000

few = from_mesh(mesh, count, body=body)
sheet([picture(few, front), picture(begin, front)], [f"{count:,} Gaussians", "15,000"], columns=2, height=330)

# %% [markdown]
# ## 3. Training frames
# One photo shows one pose. The other frames are generated: poses and cameras are planned so that all sides and many
# shapes of the body occur, and a generator makes the person in them. Their body is exact by construction. A network can
# do that (`humanav avatar train --generator vace`); without one the synthetic teacher does: it moves the mesh's clothes by a
# simple model.

# %%
from humanav.avatar.gaussian import Drift, SyntheticTeacher, plan_poses
from humanav.avatar.gaussian.cloth import looseness_of

wanted = plan_poses(mesh, 6, 256, own_pose=pose)
cloth = looseness_of(mesh, 0.5, pose)
taught = SyntheticTeacher(mesh, cloth).generate(photo, wanted)
astray = SyntheticTeacher(mesh, cloth, Drift(color=0.12, blur=1.2, warp=2.5)).generate(photo, wanted)
over = [pixels(frame.image * frame.alpha[..., None] + 0.5 * (1 - frame.alpha[..., None])) for frame in (*taught, *astray)]
sheet(over, ["made"] * 6 + ["drifting"] * 6, height=230)

# %% [markdown]
# Real generators drift: the second row is off in colour, sharpness and texture, each frame in its own way. The teacher
# does so on request, to see what guards against it (part 5).
#
# Where the planned cameras stand about the person, and what they look at:

# %%
stands = np.array([frame.camera.center for frame in taught])
person_at = begin.pose(pose, place).means[::40]
figure = go.Figure(go.Scatter3d(x=person_at[:, 0], y=-person_at[:, 2], z=person_at[:, 1], mode="markers", name="the person",
                                marker={"size": 2, "color": "#9aa0a8"}))
figure.add_scatter3d(x=stands[:, 0], y=-stands[:, 2], z=stands[:, 1], mode="markers+text", name="cameras",
                     text=[str(k + 1) for k in range(len(stands))], marker={"size": 5, "color": "#3f7fd0"})
figure.update_layout(height=380, margin={"l": 0, "r": 0, "t": 0, "b": 0}, scene_aspectmode="data",
                     scene={axis: {"title": "", "showticklabels": False} for axis in ("xaxis", "yaxis", "zaxis")}).show()

# %% [markdown]
# **Try it.** Drift of one kind only, and more of it. Which kind would you not notice in a single frame, but hate in the avatar?

# %%
drift = Drift(color=0.0, blur=0.0, warp=6.0)  # change

off = SyntheticTeacher(mesh, cloth, drift).generate(photo, wanted)[:3]
sheet([pixels(f.image * f.alpha[..., None] + 0.5 * (1 - f.alpha[..., None])) for f in (*taught[:3], *off)],
      ["made"] * 3 + ["drifting"] * 3, columns=6, height=230)

# %% [markdown]
# ## 4. The avatar grows
# First from the photo alone; then every second step learns from the photo ("balanced sampling"), however many generated
# frames there are. What the photo does not show keeps the mesh's look. A small network of the pose moves the clothes.

# %%
from humanav.avatar.gaussian import GaussianTraining, build_gaussian_avatar
from humanav.avatar.gaussian.build import STAGES
from humanav.progress import Progress

grown = []


def listen(event):
    if event.image is not None:
        grown.append((f"{event.fraction:.0%} of the way", event.image))


def grow(count, size, steps, progress=None, drift=None, **settings):
    """A small training."""
    teacher = None if drift is None else SyntheticTeacher(mesh, cloth, drift)
    settings = GaussianTraining(steps=steps, minutes=None, preview_every=2.0, **settings)
    return build_gaussian_avatar(mesh, [photo], settings, count=count, generated=16, size=size, generator=teacher,
                                 body=body, progress=progress)


begun = time.perf_counter()
built = grow(15_000, 400, STEPS, Progress(len(STAGES), listen))
avatar = built.trained.avatar
print(f"{built.trained.steps} steps with {built.generated} generated frames in {time.perf_counter() - begun:.0f} s")
some = [grown[k] for k in np.unique(np.linspace(0, len(grown) - 1, 4).astype(int))]
sheet([image for _, image in some], [caption for caption, _ in some], columns=2, height=240)

# %%
steps, values = zip(*built.trained.history)
go.Figure(go.Scatter(x=steps, y=values)).update_layout(height=240, xaxis_title="step", yaxis_title="loss of its frame",
                                                       margin={"t": 20, "b": 40}).show()

# %% [markdown]
# Beside the mesh and the truth: at the photo's view, and in two poses that nobody has shown. Numbers are PSNR against the
# truth, in dB.

# %%
others = [posed_as(person, make_pose(name, person._skeleton[0], np.random.default_rng(5)), name)
          for name in ("lunge", "arms_up")]
rows, labels = [], []
for who in (person, *others):
    seen = side_camera(who, who.scene.yaw)
    truth, own, where = who.render(seen, GREY)[0], who.pose, who.motion.transl[0]
    rows += [truth, mesh_picture(seen, own, where), picture(avatar, seen, own, where)]
    labels += ["truth", f"mesh {psnr(rows[-2], truth):.1f}", f"Gaussians {psnr(rows[-1], truth):.1f}"]
sheet(rows, labels, columns=9, height=280, width=1800)

# %% [markdown]
# What the pose does to the clothes: the same Gaussians without and with the deformation, and how far each is moved.

# %%
from humanav.avatar.gaussian.value import local_rotations

lunge = others[0]
seen, own, where = side_camera(lunge, lunge.scene.yaw), lunge.pose, lunge.motion.transl[0]
moved = np.linalg.norm(avatar.deformation.offsets(local_rotations(own)), axis=1)
share = np.clip(moved / np.quantile(moved, 0.99), 0, 1)
heat = np.stack([share, 0.35 * np.ones(len(moved)), 1 - share], axis=1)
print(f"moved by up to {1000 * moved.max():.0f} mm; hands and face by {1000 * moved[avatar.rigid].max():.0f}")
sheet([picture(avatar, seen, own, where, refined=False), picture(avatar, seen, own, where),
       picture(avatar, seen, own, where, colors=heat)], ["the base", "deformed by the pose", "how far: blue not, red most"],
      columns=3, height=330)

# %% [markdown]
# As it began and as it has grown, in a pose that nobody showed:

# %%
cloud(begin, avatar, pose=own, place=where).show()

# %% [markdown]
# **Try it.** How far do clothes move in your pose? Bend another joint (radians about the x, y and z axes) and look where it is red.

# %%
joint, angles = "left_shoulder", (0.0, 0.0, 1.2)  # change

from humanav.body.names import JOINT_INDEX

mine = pose.copy()
mine[JOINT_INDEX[joint]] += angles
far = np.linalg.norm(avatar.deformation.offsets(local_rotations(mine)), axis=1)
red = np.clip(far / max(np.quantile(far, 0.99), 1e-6), 0, 1)
colors = np.stack([red, 0.35 * np.ones(len(red)), 1 - red], axis=1)
sheet([picture(avatar, front, mine, place), picture(avatar, front, mine, place, colors=colors)],
      ["your pose", f"at most {1000 * far.max():.0f} mm"], columns=2, height=330)

# %% [markdown]
# ## 5. The two ideas, switched off
# With drifting frames: the person as the photo shows them, learned with both ideas, without balanced sampling (the photo
# is then one frame among 17), without geometry weighting (generated colours then shape and paint the clothes in full),
# and without either. "Lost": how much farther from the truth (dB) the photo's view is than with both.

# %%
drift = Drift(color=0.12, blur=1.2, warp=2.5)
ways = {"both ideas": {}, "not balanced": {"balanced": False}, "not geometry-weighted": {"geometry_weighting": False},
        "neither": {"balanced": False, "geometry_weighting": False}}
truth = person.render(front, GREY)[0]
found = {name: grow(6000, 288, STEPS // 2, drift=drift, **settings).trained.avatar for name, settings in ways.items()}
near = {name: psnr(picture(one, front), truth) for name, one in found.items()}
print(", ".join(f"{name} {value:.2f} dB" for name, value in near.items()))
go.Figure(go.Bar(x=list(near), y=[near["both ideas"] - value for value in near.values()],
                 text=[f"{value:.2f} dB" for value in near.values()])).update_layout(
    height=280, yaxis_title="lost at the photo's view (dB)", margin={"t": 20, "b": 40}).show()

# %%
face = np.s_[20:120, 70:170]
sheet([truth[face], *(picture(one, front)[face] for one in found.values())], ["truth", *found], columns=5, height=240)

# %% [markdown]
# With both ideas and with neither, to turn. From behind, where no photo guards them, they are more alike.

# %%
cloud(found["both ideas"], found["neither"], step=4).show()

# %% [markdown]
# **Try it.** Other drift, other damage. With `color` alone, does balanced sampling still matter? (This trains two small avatars: half a minute.)

# %%
drift = Drift(color=0.25, blur=0.0, warp=0.0)  # change

again = {name: grow(6000, 288, STEPS // 2, drift=drift, **ways[name]).trained.avatar for name in ("both ideas", "neither")}
print(", ".join(f"{name} {psnr(picture(one, front), truth):.2f} dB" for name, one in again.items()))

# %% [markdown]
# ## 6. To take away
# A `.ply` that viewers of 3D Gaussian splatting open, and a page that plays the avatar in a browser.

# %%
from humanav.export.gaussian_avatar import write_avatar_ply, write_avatar_splats
from humanav.motion import fit_to_shape, in_place, load_clip
from humanav.view.splats import splat_page

with tempfile.TemporaryDirectory() as folder:
    ply = write_avatar_ply(avatar, Path(folder) / "avatar.ply", pose, place)
    walk = in_place(fit_to_shape(load_clip("walk"), body, avatar.betas))
    splats = write_avatar_splats(avatar, Path(folder) / "avatar.splats", {"walk": walk}, max_fps=15)
    print(f"avatar.ply {ply.stat().st_size / 1e6:.1f} MB, splats with a walk {splats.stat().st_size / 1e6:.1f} MB")
    page = splat_page(splats, title="the Gaussian avatar walks")
framed(page, height=420, title="the Gaussian avatar walks")

# %% [markdown]
# **Try it.** Another clip, or a motion that you tracked (notebook 5).

# %%
dance = in_place(fit_to_shape(load_clip("dance"), body, avatar.betas))  # change: any of humanav.motion.CLIP_NAMES

sheet([picture(avatar, front, dance.full_pose[k], place) for k in np.linspace(0, len(dance) - 1, 6).astype(int)], height=280)

# %% [markdown]
# ## Where to go next
# In full size, all of this is one call: `humanav.avatar.gaussian.build_gaussian_avatar` with its defaults (30,000 Gaussians,
# about two minutes), or `humanav avatar train --photo me.jpg --subject me` in a shell, or "Gaussian avatar" in the app.
#
# - [5. From a video to motion](05_track_a_video.ipynb): a turn-around clip of the person teaches far more than one photo.
# - [7. Several views, several people](07_multiview.ipynb): the same Gaussians judge where people touch.
# - [Tutorial: photo to avatar](../docs/tutorials/photo.md), with every option.
# - [Start here](00_start_here.ipynb): all notebooks, and which one answers what.
