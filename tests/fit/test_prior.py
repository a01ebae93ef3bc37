"""The shipped pose prior prefers what people do."""

import json

import numpy as np
import pytest

from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError
from humanav.fit.prior import NUM_FEATURES, PosePrior
from humanav.paths import checkpoint

UP = np.array([0.0, 1.0, 0.0])


@pytest.fixture(scope="module")
def prior():
    return PosePrior.load()


def features(up=UP, **joints):
    vectors = np.zeros((22, 3))
    for side, sign in (("left", 1), ("right", -1)):
        vectors[JOINT_INDEX[f"{side}_shoulder"], 2] = -1.2 * sign
    for name, vector in joints.items():
        vectors[JOINT_INDEX[name]] = vector
    return np.concatenate([vectors[1:].ravel(), up])


def test_weights_sum_to_one_and_are_finite(prior):
    assert prior.weights.sum() == pytest.approx(1, abs=1e-4)
    assert np.isfinite(prior.precisions).all()
    assert len(prior.names) == len(prior.weights)


def test_standing_is_likelier_than_the_impossible(prior):
    standing = prior.negative_log_likelihood(features())
    assert standing + 20 < prior.negative_log_likelihood(features(left_knee=[-1.2, 0, 0]))
    assert standing + 20 < prior.negative_log_likelihood(features(up=-UP))
    assert standing + 5 < prior.negative_log_likelihood(features(up=np.array([0, np.cos(0.5), -np.sin(0.5)])))


def test_left_and_right_are_alike(prior):
    left = prior.negative_log_likelihood(features(left_hip=[-0.8, 0, 0.1], left_knee=[0.9, 0, 0]))
    right = prior.negative_log_likelihood(features(right_hip=[-0.8, 0, -0.1], right_knee=[0.9, 0, 0]))
    assert abs(left - right) < 6


def test_cost_is_zero_at_the_likeliest_pose(prior):
    best = max(range(len(prior.weights)), key=lambda m: prior.component_log_likelihood(prior.means[m]).max())
    cost, slope, curvature = prior.quadratic(prior.means[best])
    assert abs(cost) < 1
    assert slope.shape == (NUM_FEATURES,)
    assert np.linalg.eigvalsh(curvature).min() > 0


def test_test_subjects_were_not_read():
    config = json.loads(checkpoint("pose_prior", "config.json").read_text())
    assert config["unread_test_subjects"] == ["03", "135"]


def test_missing_prior_is_one_clear_sentence(tmp_path):
    with pytest.raises(InputError, match="pose prior"):
        PosePrior.load(tmp_path)
