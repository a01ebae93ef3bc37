"""Plotly figures and the frame that keeps them alive."""

import html

import numpy as np

from humanav.motion import Motion
from humanav.view import figure_body, figure_motion, plotly_html, plotly_script
from humanav.view.colors import LEFT, RIGHT, css
from humanav.view.figures import foot_contacts


def motion(frames=20, far=0.0):
    pose = np.zeros((frames, 55, 3), np.float32)
    pose[:, 18, 1] = -np.linspace(0, 1.5, frames)
    transl = np.zeros((frames, 3))
    transl[:, 2] = np.linspace(0, far, frames)
    return Motion.from_full_pose(pose, 30, transl=transl, name="bend")


def test_skeleton_plays(body):
    figure = figure_motion(motion(), body)
    assert len(figure.frames) == 20
    assert [b.label for b in figure.layout.updatemenus[0].buttons] == ["Play", "Pause"]
    assert len(figure.layout.sliders[0].steps) == 20
    assert [t.name for t in figure.data] == ["middle", "left", "right", "standing"]
    assert figure.data[1].line.color == css(LEFT)
    assert figure.data[2].line.color == css(RIGHT)
    joints = body.from_motion(motion(), vertices=False).joints.detach().numpy()
    wrist = figure.frames[-1].data[1]
    drawn = np.stack([wrist.x, wrist.y, wrist.z], 1)
    world = joints[-1, 20] * (1, 1, -1)
    assert np.nanmin(np.linalg.norm(drawn - world[[0, 2, 1]], axis=1)) < 2e-3  # y is up
    assert np.nanmean(drawn[:, 0]) > 0  # the person's left is +x
    assert len(figure.data[3].x) == 4  # all four points of both feet stand


def test_axes_are_equal(body):
    scene = figure_motion(motion(), body).layout.scene
    spans = [np.ptp(scene[axis].range) for axis in ("xaxis", "yaxis", "zaxis")]
    ratio = [scene.aspectratio[k] for k in "xyz"]
    np.testing.assert_allclose(np.array(spans) / spans[2], np.array(ratio) / ratio[2], rtol=1e-4)


def test_long_walks_are_followed_and_thinned(body):
    figure = figure_motion(motion(400, far=9.0), body, max_frames=100)
    assert len(figure.frames) == 100
    assert np.ptp(figure.layout.scene.yaxis.range) < 3
    still = figure_motion(motion(1), body)
    assert not still.layout.sliders


def test_contacts_are_low_and_slow():
    joints = np.zeros((30, 55, 3))
    joints[:, [10, 11], 1] = 0.02
    joints[:, 7:9, 1] = 0.08
    joints[10:20, 10, 1] = 0.3
    joints[:, 11, 2] = np.arange(30) / 30  # the right foot slides at 1 m/s
    stands = foot_contacts(joints, 30)
    assert stands[2, 2]
    assert not stands[15, 2]
    assert not stands[:, 3].any()


def test_body_mesh(body):
    vertices = body.rest()[0]
    figure = figure_body(vertices, body.faces, title="Body")
    assert len(figure.data[0].i) == len(body.faces)
    colors = np.zeros((len(vertices), 3), np.uint8)
    assert figure_body(vertices, body.faces, vertex_colors=colors).data[0].vertexcolor is not None


def test_frame_keeps_the_animation(body):
    figure = figure_motion(motion(5), body)
    linked = plotly_html(figure, script="/files/plotly.min.js")
    assert linked.startswith("<iframe")
    page = html.unescape(linked)
    assert 'src="/files/plotly.min.js"' in page
    assert "addFrames" in page
    assert len(linked) < 400_000
    assert len(plotly_html(figure)) > 3_000_000  # whole plotly.js inside
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert plotly_script().is_file()
