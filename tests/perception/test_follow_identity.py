"""Who is who, told without a detector: newcomers, absences, crossings, strays, and the state that is kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from humanav.perception.follow_identity import PROBATION, Identities, person_from, plain_person
from humanav.perception.follow_looks import Looks, looks_of, way
from humanav.perception.person import Person2D
from tests.perception.figures import walker

FPS = 20.0
COLOURS = {"red": ((200, 40, 40), (40, 40, 160)), "green": ((40, 160, 60), (200, 190, 60)),
           "grey": ((120, 120, 120), (30, 30, 30))}


def person_at(x, scale=1.0):
    points = walker(1)[0]
    points[:, :2] = (points[:, :2] - (320, 230)) * scale + (x, 230)
    return Person2D(points, "blazepose33", np.concatenate([points[:, :2].min(0), points[:, :2].max(0)]), 0.9)


def picture_of(*people):
    """Each (person, clothes): the torso and the legs in their colours."""
    picture = np.full((480, 960, 3), 240, np.uint8)
    for person, clothes in people:
        x0, _, x1, _ = person.box.astype(int)
        hips = int(person.keypoints[[23, 24], 1].mean())
        picture[: hips + 4, max(0, x0 - 20):x1 + 20] = COLOURS[clothes][0]
        picture[hips + 4:, max(0, x0 - 20):x1 + 20] = COLOURS[clothes][1]
    return picture


def start(*people):
    identities = Identities(FPS)
    tracks = identities.begin(0, picture_of(*people), [person for person, _ in people])
    identities.saw(0, picture_of(*people), list(zip(tracks, [person for person, _ in people])))
    return identities, tracks


def step(identities, frame, *people):
    """One frame in which a detector finds these people."""
    picture, found = picture_of(*people), [person for person, _ in people]
    finds = [(track or identities.come(frame, picture, person), person)
             for track, person in zip(identities.assign(frame, picture, found), found)]
    identities.saw(frame, picture, finds)
    identities.left(frame)
    return [track.identity for track, _ in finds]


def test_looks_tell_clothes_apart_and_stay():
    one, same, other = (looks_of(picture_of((person_at(x), clothes)), person_at(x))
                        for x, clothes in ((300, "red"), (500, "red"), (300, "green")))
    assert one.apart(same) < 0.1
    assert one.apart(other) > 0.8
    unseen = Looks(np.full_like(one.colours, np.nan))
    assert np.isnan(one.apart(unseen))
    assert unseen.learned(one, 0.3).apart(one) < 1e-3
    assert one.learned(other, 0.5).apart(other) < one.apart(other)


def test_how_far_one_can_have_come():
    assert way(person_at(300), person_at(300), 0) == 0
    assert way(person_at(330), person_at(300), 1 / FPS) < 1
    assert way(person_at(700), person_at(300), 1 / FPS) > 1
    assert way(person_at(700), person_at(300), 2) < 1
    assert way(person_at(300, scale=2.2), person_at(300), 1 / FPS) > 1


def test_numbers_go_by_size_and_newcomers_come_on_probation():
    identities, tracks = start((person_at(200, 1.1), "red"), (person_at(700), "green"))
    assert [track.identity for track in tracks] == [1, 2]
    for frame in range(1, PROBATION + 3):
        found = step(identities, frame, (person_at(200, 1.1), "red"), (person_at(700), "green"),
                     (person_at(450, 0.8), "grey"))
        assert found == [1, 2, 3 if frame >= PROBATION else 0]


def test_one_who_comes_back_keeps_the_number_and_a_stranger_gets_one():
    identities, _ = start((person_at(200), "red"))
    for frame in range(1, 10):
        step(identities, frame, (person_at(200), "red"))
    for frame in range(10, 40):
        step(identities, frame)
    assert not identities.tracks
    for frame in range(40, 50):
        back = step(identities, frame, (person_at(700), "red"), (person_at(400), "green"))
    assert back == [1, 2]


@pytest.mark.parametrize("swap", [False, True])
def test_crossing(swap):
    """Two people meet; when a tracker goes on with the wrong one, looks mend it from the meeting on."""
    identities, tracks = start((person_at(200), "red"), (person_at(760), "green"))
    for frame in range(1, 60):
        red, green = person_at(200 + 10 * frame), person_at(760 - 10 * frame)
        pair = [red, green]
        if swap and frame >= 28 and not identities.exchanges:
            pair.reverse()
        picture = picture_of((red, "red"), (green, "green"))
        identities.saw(frame, picture, list(zip(tracks, pair)))
    assert len(identities.exchanges) == int(swap)
    assert identities.tracks[1].person.keypoints[0, 0] == pytest.approx(790, abs=5)
    if swap:
        exchange = identities.exchanges[0]
        assert exchange.begin + 10 >= 28
        assert exchange.end - exchange.begin < 20
        assert {exchange.first, exchange.second} == {1, 2}


def test_crossing_without_trackers():
    identities, _ = start((person_at(200), "red"), (person_at(760), "green"))
    for frame in range(1, 56):
        red, green = 200 + 10 * frame, 760 - 10 * frame
        found = step(identities, frame, (person_at(red), "red"), (person_at(green), "green"))
        assert found == [1, 2] or abs(red - green) < 30


def test_strays():
    identities, tracks = start((person_at(200), "red"), (person_at(420), "green"))
    both = picture_of((person_at(200), "red"), (person_at(420), "green"))
    assert identities.strays(1, both, list(zip(tracks, [person_at(200), person_at(420)]))) == set()
    # the second tracker lies on the first person
    assert identities.strays(1, both, list(zip(tracks, [person_at(200), person_at(205)]))) == {1}
    # nobody is there any more
    empty = np.full_like(both, 240)
    assert identities.strays(1, empty, [(tracks[0], person_at(200))]) == {0}
    identities.forget_looks()
    assert identities.strays(1, empty, [(tracks[0], person_at(200))]) == set()


def test_a_cut_ends_tracks_and_looks_find_people_again():
    identities, _ = start((person_at(200), "red"), (person_at(700), "green"))
    people = (person_at(300, 1.2), "green"), (person_at(750), "grey")
    tracks = identities.begin(5, picture_of(*people), [person for person, _ in people])
    assert [track.identity for track in tracks] == [2, 3]
    assert [track.number for track in tracks] == [3, 4]


def test_the_state_is_kept_in_json():
    identities, _ = start((person_at(200), "red"), (person_at(700), "green"))
    step(identities, 1, (person_at(204), "red"))
    other = Identities(FPS)
    other.restore(json.loads(json.dumps(identities.state())))
    assert json.dumps(other.state()) == json.dumps(identities.state())
    assert step(other, 2, (person_at(208), "red"), (person_at(702), "green")) == [1, 2]
    person = replace(person_at(700), mask=np.pad(np.ones((200, 300), np.float32), ((80, 200), (400, 260))))
    again = person_from(plain_person(person))
    np.testing.assert_allclose(again.keypoints, person.keypoints)
    assert again.mask.shape == (480, 960)
    assert np.abs(again.mask - person.mask).mean() < 0.01
