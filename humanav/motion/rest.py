"""Rest joints of the body that a motion is read for, written for or played on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from humanav.body import BodyModel


def rest_joints(body: BodyModel | None = None, betas: ArrayLike | None = None) -> NDArray[np.float64]:
    """T-pose joints (55,3) in metres of ``body`` (default: the shipped one) with shape ``betas``.

    Betas beyond those the body knows are left out. Raises BodyFileError when the shipped body is missing.
    """
    if body is None:
        from humanav.body import BodyModel

        body = BodyModel.load()
    b = np.zeros(0) if betas is None else np.asarray(betas, dtype=np.float64).reshape(-1)
    count = min(b.size, body.num_betas)
    return body.J_template.double().cpu().numpy() + body.J_dirs.double().cpu().numpy()[:, :, :count] @ b[:count]
