"""The benchmark of several views: its measures on what is known, its targets, its plot."""

import json
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from humanav import bench
from humanav.body import BodyModel
from humanav.multiview.match import match_people
from humanav.multiview.simulate import simulate
from humanav.multiview.value import Fitted, FittedPerson, Rig
from humanav.paths import home
from humanav.synth.contact import close_contact

CLEAN = {"noise_px": 1.0, "dropout": 0.0, "swaps": 0.0}


@pytest.fixture(scope="module")
def module():
    return SimpleNamespace(**bench._load("multiview").__globals__)


@pytest.fixture(scope="module")
def capture(module):
    from _multiview_films import Take

    scene = close_contact("handshake", 3, views=8, frames=12, fps=4.8, settle=False)
    touching = np.zeros(12, bool)
    touching[5:8] = True
    return Take("t", "handshake", scene.motions, Rig(scene.names, scene.cameras), (), np.zeros((12, 8, 2, 4, 4), bool),
                touching, np.zeros(12))


@pytest.fixture(scope="module")
def four(capture):
    rig = capture.rig.only([capture.rig.names[v] for v in capture.views(4)])
    return rig, *simulate(capture.motions, rig, **CLEAN)


def test_cases_use_cameras_from_all_sides(capture):
    assert capture.views(8) == list(range(8))
    assert capture.views(4) == [0, 2, 4, 6]
    assert capture.views(2) == [0, 2]
    assert capture.contact == [5, 6, 7]


def test_right_pairs_count_and_wrong_ones_do_not(module, four):
    from _multiview_measures import match_f1

    rig, seen, owner = four
    matched = match_people(seen, rig)
    right = [replace(person, chosen=np.array([[int(np.flatnonzero(row == k)[0]) if (row == k).any() else -1
                                               for row in frame] for frame in owner]))
             for k, person in enumerate(matched.people[:2])]
    perfect = replace(matched, people=tuple(right))
    assert match_f1(perfect, owner) == 1
    crossed = [one.chosen.copy() for one in right]
    crossed[0][:, 0], crossed[1][:, 0] = right[1].chosen[:, 0], right[0].chosen[:, 0]
    wrong = replace(matched, people=tuple(replace(one, chosen=chosen) for one, chosen in zip(right, crossed)))
    assert match_f1(wrong, owner) == pytest.approx(0.5, abs=0.1)  # of four views one belongs to the other person
    assert match_f1(replace(matched, people=()), owner) == 0


def test_owners_are_told_by_the_truth(module, capture, four):
    from _multiview_measures import of_views, owners

    rig, seen, owner = four
    told = owners(capture, seen, rig)
    assert (told == owner).mean() > 0.97
    far = seen.keypoints.copy()
    far[..., 0] += 150
    assert (owners(capture, replace(seen, keypoints=far), rig) == -1).mean() > 0.9
    part = of_views(seen, [0, 3])
    assert part.names == (rig.names[0], rig.names[3])
    assert np.array_equal(part.keypoints[:, 1], seen.keypoints[:, 3])


def test_the_truth_has_no_error(module, capture, four):
    from _multiview_measures import bodies, plain, points

    rig, seen, _ = four
    people = tuple(FittedPerson(motion.person_id, motion, np.ones(12, bool), np.zeros((12, 4)))
                   for motion in capture.motions)
    row = bodies(Fitted(people, rig.names), capture, BodyModel.load())
    assert row["mpjpe_mm"] < 0.01
    assert row["contact_mpjpe_mm"] < 0.01
    assert row["contact_f1"] == pytest.approx(1)
    matched = match_people(seen, rig)
    assert points(matched, capture)["mpjpe_mm"] < 12
    assert points(plain(matched, seen, rig), capture)["mpjpe_mm"] < 25


def test_walkers_stand_apart_on_the_floor(module):
    from _multiview_speed import FRAMES, ms_per_frame, ring, walkers

    body = BodyModel.load()
    crowd = walkers(4, 1, body)
    assert all(len(one) == FRAMES for one in crowd)
    start = np.stack([body.from_motion(one[:1], vertices=False).joints[0, 0].numpy() for one in crowd])
    apart = np.linalg.norm(start[:, None] - start[None], axis=-1)[np.triu_indices(4, 1)]
    assert apart.min() > 0.6
    rig = ring(3)
    seen, _ = simulate([one[:6] for one in crowd[:2]], rig, **CLEAN)
    assert 0 < ms_per_frame(seen, rig) < 5000


def test_targets_tell_what_was_reached(module):
    row = {"match_f1": 0.99, "id_switches": 1, "contact_mpjpe_init_mm": 40.0, "contact_mpjpe_refined_mm": 30.0,
           "penetration_init_mm": 20.0, "penetration_refined_mm": 11.0}
    told = module.targets({"contact": {"hug 4 detector": row}, "speed": {"refine_s": 300.0}})
    assert told["hug 4 detector: match_f1"]["reached"]
    assert not told["hug 4 detector: id_switches"]["reached"]
    assert told["hug 4 detector: contact mpjpe, refined over init"] == {"value": 0.75, "bar": "<= 0.8", "reached": True}
    assert not told["hug 4 detector: penetration, refined over init"]["reached"]
    assert not told["speed: refine_s"]["reached"]
    assert json.dumps(told)


def test_the_plot_shows_both_tables():
    import importlib.util

    spec = importlib.util.spec_from_file_location("plots", home() / "scripts" / "make_multiview_plots.py")
    plots = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plots)
    numbers = {"people (4 views)": {"2": {"ms_per_frame": 4.0}, "8": {"ms_per_frame": 31.0}},
               "views (2 people)": {"2": {"ms_per_frame": 1.0}, "12": {"ms_per_frame": 12.5}}}
    root = ElementTree.fromstring(plots.drawing(numbers))
    kinds = [element.tag.rsplit("}", 1)[-1] for element in root]
    assert kinds.count("polyline") == 2
    assert kinds.count("circle") == 4
    assert "people, 4 views" in "".join(root.itertext())
