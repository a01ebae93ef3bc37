"""What the calibration doctor says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.doctor_turns import turned_over
from humanav.multiview.sync import Offsets, shifted
from humanav.multiview.value import Rig, Sightings

Array = NDArray[np.float64]
Severity = Literal["good", "doubtful", "stops"]

GOOD, DOUBTFUL = 0.025, 0.06
"""Median distance between the rays of two views, as a share of the person's size, up to which a calibration is good,
and up to which it can be used. Measured: the real treadmill captures have 1.1 and 1.0 % (MediaPipe's points), synthetic
ones with 5 px of noise 0.9 %; 2 degrees of error in every camera give 1.6 to 3.5 %, 4 degrees 3 to 7 %, exchanged
cameras 7 %, another place's calibration 6 %."""
THIRD_GOOD, THIRD_DOUBTFUL = 0.05, 0.12
"""The same for how far people are seen from where the two other views that fit best place them, of the worst view.
Measured: 3.3 and 4.8 % on the real captures, 2 % on synthetic ones; one camera turned by 3 degrees gives 7 to 10 %, by
9 degrees 24 to 31 %, another place's calibration 18 %."""


@dataclass(frozen=True)
class Finding:
    """One thing found: ``kind`` names the check, ``seen`` says what with its number, ``do`` what to do about it;
    ``views`` are those it is about, and ``mended`` whether the diagnosis's corrections take it out."""

    kind: str
    severity: Severity
    seen: str
    do: str = ""
    views: tuple[str, ...] = ()
    mended: bool = False

    @property
    def text(self) -> str:
        """What is seen and what to do."""
        return f"{self.seen} {self.do}".rstrip()


@dataclass(frozen=True)
class Diagnosis:
    """All findings, the worst first, and the numbers behind them.

    Attributes:
        names: of the V views examined.
        pair_px, pair_m, pair_share: (V,V) median distance between the rays of the same points in pixels, in metres (in
            the rig's own unit while the views do not agree), and as a share of the person's size; NaN where two views
            share nobody. With the corrections below.
        stature: metres the people seem to be tall in the rig as given, if its unit is the metre; NaN unknown.
        bones: mean length in metres and variation over time (share) of arm, leg and trunk, after correction.
        unit: likely unit of the calibration, "" unknown.
        up: (3,) direction of up in the rig as given; NaN unknown.
        corrected: the rig with what can be mended mended; None when there is nothing to mend.
        offsets: time offsets that were found, when they matter.
        mirrored: views whose picture is mirrored; turned: quarter turns clockwise that a view's picture needs. Where a
            picture is both, it is turned first.
        sizes: (width, height) of the views' pictures once they are put right.
    """

    names: tuple[str, ...]
    pair_px: Array
    pair_m: Array
    pair_share: Array
    findings: tuple[Finding, ...]
    stature: float = float("nan")
    bones: dict[str, tuple[float, float]] = field(default_factory=dict)
    unit: str = ""
    up: Array = field(default_factory=lambda: np.full(3, np.nan))
    corrected: Rig | None = None
    offsets: Offsets | None = None
    mirrored: tuple[str, ...] = ()
    turned: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """The worst of the findings that the corrections do not take out."""
        left = {finding.severity for finding in self.findings if not finding.mended}
        return "stops" if "stops" in left else "doubtful" if "doubtful" in left else "good"

    @property
    def view_px(self) -> Array:
        """(V,) median over a view's pairs of :attr:`pair_px`."""
        return medians(self.pair_px)

    @property
    def view_share(self) -> Array:
        """(V,) median over a view's pairs of :attr:`pair_share`."""
        return medians(self.pair_share)

    def mended(self, sightings: Sightings) -> Sightings:
        """Sightings with mirrored and turned pictures undone (their masks left out), brought to the same moments.

        Raises:
            InputError: the time offsets leave no common frame.
        """
        for v, name in enumerate(sightings.names):
            mirror, turns = name in self.mirrored, self.turned.get(name, 0)
            if mirror or turns:
                points = sightings.keypoints.copy()
                points[:, v] = turned_over(points[:, v], self.sizes[name], mirror, turns, sightings.landmark_names)
                masks = {key: data for key, data in sightings.masks.items() if key[1] != v}
                sightings = replace(sightings, keypoints=points, masks=masks)
        return shifted(sightings, self.offsets) if self.offsets is not None else sightings

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, NaN as None."""
        def plain(values: Array) -> list[Any]:
            return [plain(v) if np.ndim(v) else None if not np.isfinite(v) else round(float(v), 4) for v in values]

        return {
            "severity": self.severity, "views": list(self.names), "pair_px": plain(self.pair_px),
            "pair_m": plain(self.pair_m), "view_px": plain(self.view_px),
            "stature_m": None if not np.isfinite(self.stature) else round(self.stature, 3),
            "unit": self.unit, "up": plain(self.up),
            "bones_m": {part: {"length": round(a, 3), "variation": round(b, 4)} for part, (a, b) in self.bones.items()},
            "offsets_frames": None if self.offsets is None else dict(zip(self.names, plain(self.offsets.frames))),
            "mirrored": list(self.mirrored), "turned": dict(self.turned),
            "findings": [{"kind": f.kind, "severity": f.severity, "seen": f.seen, "do": f.do, "views": list(f.views),
                          "mended": f.mended} for f in self.findings]}

    def text(self) -> str:
        """All findings, one a line."""
        return "\n".join(f"[{f.severity}{', corrected' if f.mended else ''}] {f.text}" for f in self.findings)


def medians(table: Array) -> Array:
    """(V,) of the finite numbers of each row of (V,...), NaN where there are none."""
    return np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in table])
