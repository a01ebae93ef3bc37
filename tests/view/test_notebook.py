"""What notebooks draw with: small meshes that look like the large ones, pages that unpack themselves, figures."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re

import numpy as np
import pytest

from humanav.export.gltf import SkinnedMesh
from humanav.motion import load_clip
from humanav.render.mesh import as_array, silhouette
from humanav.view import notebook


def test_a_coarser_mesh_fills_the_same_outline(body) -> None:
    from humanav.camera import Camera

    vertices = as_array(body.v_template, np.float64)
    kept, faces = notebook.coarser(vertices, body.faces)
    assert len(kept) < len(vertices) / 4
    assert faces.max() == len(kept) - 1
    assert len(np.unique(faces)) == len(kept)
    camera = Camera.orbit([0, -0.3, 0], 5, 20, 0, 200, 240, focal=450)
    fine, coarse = silhouette(vertices, body.faces, camera), silhouette(vertices[kept], faces, camera)
    assert (fine & coarse).sum() / (fine | coarse).sum() > 0.95


def test_faces_of_a_coarser_mesh_look_outwards(body) -> None:
    vertices = as_array(body.v_template, np.float64)
    kept, faces = notebook.coarser(vertices, body.faces)
    points = vertices[kept]
    a, b, c = (points[faces[:, k].astype(int)] for k in range(3))
    volume = (np.cross(b - a, c - a) * a).sum() / 6
    assert volume > 0.03  # cubic metres; faces that look inwards take away


def test_bodies_stand_beside_each_other(body) -> None:
    clip = load_clip("walk")
    figure = notebook.bodies({"one": clip, "other": clip[3], "third": body.from_motion(clip[5]).vertices[0]}, body)
    meshes = [trace for trace in figure.data if trace.type == "mesh3d"]
    assert [mesh.name for mesh in meshes] == ["one", "other", "third"]
    middles = [(np.max(mesh.x) / 2 + np.min(mesh.x) / 2) / 1000 for mesh in meshes]
    assert np.allclose(np.diff(middles), 1.0, atol=0.01)
    assert len(figure.to_json()) < 400_000


def test_a_lighter_avatar_keeps_texture_and_skin(body) -> None:
    vertices, faces = as_array(body.v_template, np.float64), as_array(body.faces, np.int64)
    uv = vertices[:, :2] / 2 + 0.5
    mesh = SkinnedMesh(vertices, faces, as_array(body.rest(None, None)[1], np.float64),
                       as_array(body.skin_index, np.int64), as_array(body.skin_weight, np.float64), uv, faces,
                       np.zeros((8, 8, 3), np.uint8))
    small = notebook.lighter(mesh)
    assert small.uv_faces.shape == small.faces.shape
    assert len(small.skin_index) == len(small.vertices)
    assert np.abs(uv[small.uv_faces] * 2 - 1 - small.vertices[small.faces][..., :2]).max() < 0.08  # within a cube


def test_a_framed_page_unpacks_to_what_it_was() -> None:
    pytest.importorskip("IPython")
    shown = notebook.framed("<p>a \"page\" & more</p>" * 50, height=300, title="A <page>").data
    assert 'height:300px' in shown
    packed = re.search(r"atob\('([^']+)'\)", html.unescape(shown)).group(1)
    page = gzip.decompress(base64.b64decode(packed)).decode()
    assert page.count('<p>a "page" & more</p>') == 50
    assert page.startswith("<!doctype html>")


def test_figures_are_kept_as_data_and_as_a_page(body, monkeypatch) -> None:
    pytest.importorskip("IPython")
    import plotly.io as pio

    monkeypatch.setattr(pio.renderers, "default", pio.renderers.default)
    notebook.prepare()
    assert pio.renderers.default == "humanav"
    bundle = pio.renderers["humanav"].to_mimebundle(json.loads(notebook.table({"a": [1, 2]}, ["b", "c"]).to_json()))
    assert bundle["application/vnd.plotly.v1+json"]["data"][0]["type"] == "table"
    assert "<iframe" in bundle["text/html"]


def test_minutes_come_from_the_environment(monkeypatch) -> None:
    monkeypatch.delenv("HUMANAV_NOTEBOOK_MINUTES", raising=False)
    assert notebook.minutes(2) == 2
    monkeypatch.setenv("HUMANAV_NOTEBOOK_MINUTES", "0.1")
    assert notebook.minutes(2) == 0.1


def test_pictures_are_jpeg() -> None:
    pytest.importorskip("IPython")
    shown = notebook.sheet([np.zeros((20, 10, 3), np.uint8)] * 3, ["a", "b", "c"], columns=3, height=40)
    assert shown.data[:2] == b"\xff\xd8"
