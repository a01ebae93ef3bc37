"""What a finished result holds that another job can take: motions of people, and avatars.

Any result can so be sent on: a tracked or lifted motion to be cleaned, a cleaned one to an avatar, the people of a
capture as avatars, a drawn pose to an avatar.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from humanav.errors import InputError
from humanav.jobs.tracked import KIND as TRACK
from humanav.jobs.tracked import load_tracked, people_of
from humanav.results import Result

if TYPE_CHECKING:
    from humanav.motion import Motion

FILES = {"animation": "motion.npz", "avatar": "motion.npz", "denoise": "denoised.npz", "path": "path.npz",
         "pose": "motion.npz", "uplift": "motion.npz"}
"""The motion of results that hold one, by their kind."""
CAPTURE = "capture"
STILL_SECONDS = 2.0
"""How long a single pose is held."""


@dataclass(frozen=True)
class Held:
    """One thing that a result holds.

    Attributes:
        kind: "motion" or "avatar".
        person: whose, as jobs ask for it; "" for the only one.
        file: its name in the result.
        words: what a visitor reads, such as "Person 2".
    """

    kind: Literal["motion", "avatar"]
    person: str
    file: str
    words: str


def held_motions(result: Result) -> tuple[Held, ...]:
    """The motions of a result, in its order; none for kinds that hold none."""
    if result.kind == TRACK:
        people = people_of(result)
        return tuple(Held("motion", person, "track.json", _words(person, len(people))) for person in people)
    if result.kind == CAPTURE:
        return _of_people(result, "motion")
    file = FILES.get(result.kind)
    return (Held("motion", "", file, "The motion"),) if file and result.has(file) else ()


def held_avatars(result: Result) -> tuple[Held, ...]:
    """The avatars of a result that can be moved by another motion."""
    from humanav.jobs.gaussian_files import GAUSSIAN_NPZ

    if result.kind == CAPTURE:
        return _of_people(result, "avatar")
    file = next((name for name in ("avatar.npz", GAUSSIAN_NPZ) if result.has(name)), None)
    return (Held("avatar", "", file, "The avatar"),) if file and result.kind in ("avatar", "animation") else ()


def is_result(motion: Any) -> TypeGuard[Result | str | Path]:
    """Whether a motion argument is a result, or names a folder that should be one."""
    from humanav.motion import CLIP_NAMES

    if isinstance(motion, Result):
        return True
    return isinstance(motion, str | Path) and str(motion) not in CLIP_NAMES and Path(motion).is_dir()


def motion_of(place: Result | str | Path, person: int | str | None = None) -> Motion:
    """The motion of one person of a result, T frames in the world (y up, floor y = 0), named.

    A single pose is held for :data:`STILL_SECONDS`.

    Args:
        place: the result or its folder.
        person: whose, of a result of several; None or "" takes the first.

    Raises:
        InputError: the result holds no motion, or nobody of that name.
        MotionFileError: the motion's file is damaged.
    """
    from humanav.motion import load_motion

    source = place if isinstance(place, Result) else Result.load(place)
    if source.kind == TRACK:
        return load_tracked(source, person).motion
    found = held_motions(source)
    if not found:
        raise InputError(f"{source.folder.name} holds no motion (it is of the kind {source.kind!r}): give the folder "
                         "of a tracked, lifted, cleaned or captured motion.")
    held = chosen(found, person, source.folder.name)
    motion = load_motion(source.path(held.file))
    name = Path(str(source.inputs.get("motion") or source.inputs.get("source") or source.kind)).stem
    motion = replace(motion, name=name)  # what the file is called says nothing
    if source.kind == "uplift":
        from humanav.body import BodyModel
        from humanav.jobs.uplift import placed

        motion = placed(motion, BodyModel.load())
    return hold(motion)


def hold(motion: Motion) -> Motion:
    """A motion of one frame as one that lasts :data:`STILL_SECONDS`; others as they are."""
    if len(motion) != 1:
        return motion
    import numpy as np

    many = max(2, round(STILL_SECONDS * motion.fps))
    return motion[np.zeros(many, np.int64)]


def chosen(found: tuple[Held, ...], person: int | str | None, folder: str) -> Held:
    """The one that was asked for; the first when nobody was named. Raises InputError for a name that is not there."""
    wanted = str(person or "").strip()
    for held in found:
        if wanted in ("", held.person):
            return held
    known = ", ".join(held.person for held in found if held.person)
    raise InputError(f"There is no person {wanted!r} in {folder}: "
                     f"{f'choose one of {known}' if known else 'it holds only one, so leave the person out'}.")


def _of_people(result: Result, kind: Literal["motion", "avatar"]) -> tuple[Held, ...]:
    """What a capture holds of each of its people."""
    from humanav.jobs.multiview_files import suffixes

    ids = [str(person) for person in result.report.get("people", ())]
    names = suffixes(ids)
    return tuple(Held(kind, person if len(ids) > 1 else "", file, _words(person, len(ids))) for person in ids
                 if result.has(file := f"{kind}{names[person]}.npz"))


def _words(person: str, people: int) -> str:
    return f"Person {person}" if people > 1 else "The person"
