"""humanav: a photo, a video or several views in; a person you can turn, animate, measure and share out.

Everything is a :class:`~humanav.motion.Motion` of a :class:`~humanav.body.BodyModel`, seen by a
:class:`~humanav.camera.Camera`, worn by an :class:`~humanav.avatar.Avatar`.

Conventions, stated once: the world is y up, right-handed, in metres; cameras follow OpenCV (x right, y down,
z forward, ``x_cam = R @ x_world + t``, pixels); rotations are parent-relative in the SMPL-X joint tree, axis-angle in
files, matrices inside.

Importing this package loads nothing heavy: each room imports torch, numba or mediapipe only when it needs them.
"""

import os

# OpenMP's threads spin while they wait for each other, which doubles the cost of every parallel kernel when the cores
# are shared with other work. It is read once, when torch or numba loads OpenMP, so it must be said before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
