"""Several calibrated views of people in close contact: who is whom in every view, people in space, bodies, and bodies
refined in the pictures; on synthetic captures with the exact truth and on real ones. ``targets`` says what was to be
reached and was. Definitions stand in ``benchmarks/multiview.py``.

Synthetic captures: two dressed people who come together, hold each other (a hug, a grapple) and part, 25 frames at 10
a second, in 8 pictures of 640 x 480 (``_multiview_films.py``); 4 views are every second of these, 2 are neighbours of
the four. ``simulated``: the true landmarks with 5 px of noise, 15 % lost and 5 % of the limbs swapped, with true masks;
``detector``: MediaPipe with its own masks. The bare bodies of the truth are at most some millimetres in each other
(``penetration_truth_mm``). Films and detections are kept among the system's temporary files and made anew when that
folder (``humanav-multiview-takes``) is removed.

Definitions. ``match_f1``: F1 of the pairs of detections in two views of one frame that are put together, against those
of one true person; whose a detection is, is known for simulated ones, and otherwise told by its nearest true person in
the picture (12 points, within 15 % of the person's height, one to one). ``id_switches``: how often a true person is
another found one than before; ``missed``, ``ghosts``: people not found, and found who are nobody, over all frames.
``mpjpe_mm``: of the points in space, those of skel19 that the detector has, over all frames, people matched one to one
and no alignment. ``mpjpe_init_mm``, ``mpjpe_refined_mm``: of the bodies' 19 points, as fitted and as refined;
``contact_mpjpe_...``: over the frames in which the true bodies touch (any two vertices within 2 cm).
``penetration_..._mm``: the deepest vertex of either body in the other, mean over the same frames; ``contact_f1``: F1 of
vertices within 2 cm of the other body. ``match_s``, ``fit_s``, ``refine_s``: seconds of those steps.

Rivals on the same captures: ``single view``: ``humanav track`` on two of the views one by one, laid over the truth by
one similarity (``_multiview_rivals.py``); ``plain DLT``: our matching, then linear triangulation; ``lowrank``: the
low-rank matcher; ``two cameras``: with looks. ``treadmill``, ``two_people``: see ``_multiview_real.py``. What
matching costs is a benchmark of its own, ``multiview_speed``, for an idle machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from _common import Say, clock, rounded
from _multiview_cases import Seen, detected, dlt, look, matching, simulated, whole
from _multiview_films import Take, take
from _multiview_real import treadmill, two_people
from _multiview_rivals import one_view
from _multiview_targets import targets

from humanav.body import BodyModel
from humanav.errors import InputError

ACTIONS = ("hug", "grapple")
VIEWS = (4, 8)


def run(quick: bool = False, seed: int = 7) -> dict[str, Any]:
    """Measure.

    Args:
        quick: one small short hug and every tenth frame of the treadmill, to see that it works.
        seed: of people, places and mistakes; 7 is the test, settings were chosen on others.
    """
    say, body = clock(), BodyModel.load()
    sizes: dict[str, Any] = {"views": 4, "frames": 7, "fps": 3.0, "size": (320, 240)} if quick else {}
    takes = [take(action, seed, say=say, **sizes) for action in (ACTIONS[:1] if quick else ACTIONS)]
    out: dict[str, Any] = {"contact": {}, "rivals": {}}
    for capture in takes:
        _contact(capture, seed, (4,) if quick else VIEWS, out, body, say)
    row = out["contact"][f"{takes[0].action} 4 detector"]
    out["speed"] = {"refine_s": row["refine_s"], "fit_s": row["fit_s"]}
    for name, measure in (("treadmill", lambda: treadmill(quick, body, say)),
                          ("two_people", lambda: two_people(quick, say))):
        try:
            out[name] = measure()
        except InputError as error:
            say(str(error))
    return rounded(_plain({"targets": targets(out), **out}))


def _contact(capture: Take, seed: int, views: tuple[int, ...], out: dict[str, Any], body: BodyModel, say: Say) -> None:
    """Rows of one capture."""
    everything = look(capture, say, max(views))
    cases: list[Seen] = []
    for count in views:
        cases += [simulated(capture, count, seed), detected(capture, everything, count)]
    for seen in cases:
        out["contact"][seen.label] = whole(seen, body, say)
    for seen in cases[:2]:
        out["rivals"] |= {f"{seen.label}: ours": matching(seen), f"{seen.label}: lowrank": matching(
            seen, matcher="lowrank"), f"{seen.label}: plain DLT": dlt(seen)}
    for seen in (simulated(capture, 2, seed), detected(capture, everything, 2)):
        out["rivals"][f"{seen.label}: two cameras"] = matching(seen)
    out["rivals"][f"{capture.action}: single view"] = one_view(capture, capture.views(4)[:2], body)
    say(f"{capture.action}: rivals {out['rivals']}")


def _plain(value: Any) -> Any:
    """Python's own numbers; what is not a number becomes None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
