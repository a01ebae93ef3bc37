"""What a facial expression does to the Gaussians on the body's surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from humanav.avatar.avatar import Floats
from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.avatar.gaussian.value import GaussianAvatar
    from humanav.body import BodyModel


def expression_offsets(avatar: GaussianAvatar, expression: ArrayLike, body: BodyModel | None = None) -> Floats:
    """(N,3) metres in the T-pose: the body's expression basis at the place each Gaussian is bound to.

    Args:
        expression: (E,) values; those beyond the body's own number are left out.
        body: the built-in one by default.

    Raises:
        InputError: the expression is not a row of finite numbers.
    """
    from humanav.body import BodyModel

    values = np.asarray(expression, dtype=np.float32).reshape(-1)
    if not np.isfinite(values).all():
        raise InputError("The expression holds NaN or infinite numbers.")
    body = body or BodyModel.load()
    count = min(len(values), body.num_expressions)
    moved = body.exprdirs[..., :count].numpy() @ values[:count]
    out = np.zeros((len(avatar), 3), dtype=np.float32)
    on_body = avatar.anchor < len(body.faces)
    corners = np.asarray(body.faces)[avatar.anchor[on_body]]
    out[on_body] = np.einsum("nk,nkc->nc", avatar.barycentric[on_body], moved[corners])
    return out
