"""Parts made smaller: 3D files, Gaussians, videos, pictures; and what is left out when there is no room."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from humanav.errors import InputError
from humanav.export import write_glb, write_mp4
from humanav.export.people_scene import Actor, write_scene_glb
from humanav.export.skinned_splats import read_skinned_splats
from humanav.perception.video import open_video
from humanav.share.charts import Lane, Line, chart
from humanav.share.fitting import fit
from humanav.share.glb import Glb, clip_names, fewer_clips, fewer_moments, rounded_turns, shorter, smaller_texture
from humanav.share.media import smaller_film
from humanav.share.splats import fewer_frames, fewer_motions, fewer_splats, shorter_motions
from humanav.share.value import Part, Way
from tests.share import made
from tests.view.people import Figure, figure


def textured(side: int = 256) -> Figure:
    person = figure()
    noise = np.random.default_rng(0).integers(90, 150, (side, side, 3)).astype(np.uint8)
    return Figure(**{**person.__dict__, "texture": noise})


@pytest.fixture(scope="module")
def glb(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    motions = [made.turning(name, 300, 30.0) for name in ("walk", "wave", "bow")]
    return write_glb(textured(), tmp_path_factory.mktemp("glb") / "a.glb", motions).read_bytes()


def spans(data: bytes) -> list[tuple[int, float]]:
    """Keys and last time of the first sampler of each motion."""
    glb = Glb(data)
    times = [glb.values(clip["samplers"][0]["input"]) for clip in glb.document["animations"]]
    return [(len(t), float(t[-1, 0])) for t in times]


def test_a_file_that_nothing_is_taken_from_is_the_same(glb: bytes) -> None:
    again = Glb(glb).pack()
    assert len(again) == len(glb)
    before, after = (trimesh.load(io.BytesIO(data), file_type="glb") for data in (glb, again))
    assert np.allclose(before.bounds, after.bounds)
    for wrong in (b"", b"glTF", b"glTF" + b"\0" * 40):
        with pytest.raises(InputError, match="damaged"):
            Glb(wrong)


def test_textures_become_smaller(glb: bytes) -> None:
    found = smaller_texture(64)(glb)
    assert found is not None
    data, said = found
    assert len(data) < len(glb) - 20_000
    assert "64 pixels a side here, fewer" in said
    document = Glb(data)
    picture = Image.open(io.BytesIO(document.views[document.document["images"][0]["bufferView"]]))
    assert picture.size == (64, 64)
    assert trimesh.load(io.BytesIO(data), file_type="glb").bounds.shape == (2, 3)
    assert smaller_texture(512)(glb) is None
    document = Glb(glb)
    document.views[document.document["images"][0]["bufferView"]] = b"no picture"
    with pytest.raises(InputError, match="damaged"):
        smaller_texture(64)(document.pack())


def test_turns_are_rounded_to_what_nobody_sees(glb: bytes) -> None:
    def turns(data: bytes) -> list[np.ndarray]:
        file = Glb(data)
        found = [file.values(clip["samplers"][channel["sampler"]]["output"])
                 for clip in file.document["animations"] for channel in clip["channels"]
                 if channel["target"]["path"] == "rotation"]
        return [values / 32767 if values.dtype == np.int16 else values for values in found]

    found = rounded_turns(glb)
    assert found is not None
    assert len(found[0]) < len(glb) - 3 * 300 * 8 + 2000  # one joint of each motion turns
    assert max(np.abs(a - b).max() for a, b in zip(turns(glb), turns(found[0]), strict=True)) < 2e-5
    assert rounded_turns(found[0]) is None
    assert spans((fewer_moments(2)(found[0]) or found)[0]) == spans((fewer_moments(2)(glb) or found)[0])
    short = shorter(3.0)(found[0])
    assert short is not None
    assert max(map(len, turns(short[0]))) == 91


def test_motions_become_coarser_shorter_and_fewer(glb: bytes) -> None:
    assert spans(glb)[0] == (300, pytest.approx(299 / 30, abs=1e-3))
    half = fewer_moments(2)(glb)
    assert half is not None
    assert spans(half[0])[0] == (151, pytest.approx(299 / 30, abs=1e-3))  # the end stays
    assert len(half[0]) < len(glb)
    quarter = fewer_moments(2)(half[0])
    assert quarter is not None
    assert fewer_moments(2)(quarter[0]) is None  # slower would not look like the motion
    short = shorter(3.0)(glb)
    assert short is not None
    assert spans(short[0])[0] == (91, pytest.approx(3.0, abs=0.04))
    assert shorter(20.0)(glb) is None
    assert clip_names(glb) == ["walk", "wave", "bow"]
    one = fewer_clips(1)(glb)
    assert one is not None
    assert clip_names(one[0]) == ["walk"]
    assert fewer_clips(3)(glb) is None


def test_people_who_come_and_go_stay_in_step(tmp_path: Path, body: object) -> None:
    seen = np.arange(300) < 200
    data = write_scene_glb(body, {"people": [Actor("a", made.turning("a", 300, 30.0), seen=seen)]},  # type: ignore[arg-type]
                           tmp_path / "a.glb").read_bytes()
    found = fewer_moments(2)(data)
    assert found is not None
    glb = Glb(found[0])
    steps = [s for s in glb.document["animations"][0]["samplers"] if s["interpolation"] == "STEP"]
    assert len(glb.values(steps[0]["input"])) == 2
    assert shorter(9.5)(data) is None  # the motion is hardly longer: who comes and goes in it stays as well
    cut = shorter(3.0)(data)
    assert cut is not None
    assert float(max(Glb(cut[0]).values(s["input"]).max() for s in Glb(cut[0]).document["animations"][0]["samplers"])) \
        == pytest.approx(3.0, abs=0.04)


def test_gaussians_become_fewer_and_coarser(tmp_path: Path) -> None:
    data = made.avatar(tmp_path / "a", gaussian=True).path("avatar.splats").read_bytes()
    found = fewer_splats(0.5)(data)
    assert found is not None
    assert found[1] == "1,500 of 3,000 Gaussians are on this page."
    again = fewer_splats(0.7)(found[0])
    assert again is not None
    assert again[1] == "1,050 of 3,000 Gaussians are on this page."
    assert fewer_splats(0.5)(again[0]) is None
    (tmp_path / "b.splats").write_bytes(found[0])
    read = read_skinned_splats(tmp_path / "b.splats")
    assert len(read.splats) == 1500
    assert read.splats.scales.min() > 0.012
    assert list(read.motions) == ["walk", "turn_around"]
    assert fewer_frames(data) is None  # ten frames a second are few already
    short = shorter_motions(0.5)(data)
    assert short is not None
    one = fewer_motions(1)(short[0])
    assert one is not None
    assert one[1] == "This page shows 1 of the full result's motions."
    (tmp_path / "c.splats").write_bytes(one[0])
    motions = read_skinned_splats(tmp_path / "c.splats").motions
    assert {name: len(motion) for name, motion in motions.items()} == {"walk": 6}
    with pytest.raises(InputError, match="damaged"):
        fewer_splats(0.5)(b"\x08\0\0\0\0\0\0\0{}      ")


def test_videos_become_smaller_frame_for_frame(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_mp4((rng.integers(0, 255, (96, 128, 3)).astype(np.uint8) for _ in range(10)), tmp_path / "a.mp4", 10.0)
    data = (tmp_path / "a.mp4").read_bytes()
    found = smaller_film(48, 32)(data)
    assert found is not None
    assert len(found[0]) < len(data) / 2
    (tmp_path / "b.mp4").write_bytes(found[0])
    with open_video(tmp_path / "b.mp4") as film:
        assert (len(film), film.original_size, round(film.fps)) == (10, (64, 48), 10)


def test_what_is_least_needed_goes_first() -> None:
    def halved(data: bytes) -> tuple[bytes, str] | None:
        return (data[: len(data) // 2], "Half of it.") if len(data) > 300 else None

    needed = Part("a", "x/y", b"a" * 900, ways=(halved, halved))
    better = Part("b", "x/y", b"b" * 600, "The video is", rank=1)
    worse = Part("c", "x/y", b"c" * 500, "The picture is", rank=5)
    assert fit([needed, better, worse], 10_000) == ([needed, better, worse], [], [])
    kept, lacking, gone = fit([needed, better, worse], 1700)
    assert [part.key for part in kept] == ["a", "b"]
    assert gone == ["The picture is left out."]
    assert lacking == ["Half of it."]
    kept, lacking, gone = fit([needed, better, worse], 1400)  # without both there is room for all of the first
    assert ([part.key for part in kept], lacking, len(gone)) == (["a"], [], 2)
    assert len(kept[0].data) == 900
    with pytest.raises(InputError, match="allow more bytes"):
        fit([needed], 200)


def test_a_cut_is_as_long_as_there_is_room_for(glb: bytes) -> None:
    def room_of(*ways: Way) -> int:
        data = glb
        for way in ways:
            data = (way(data) or pytest.fail("nothing to take away"))[0]
        return Part("a", "x/y", data).size + 50

    cut = shorter(2.0)
    part = Part("a", "x/y", glb, ways=(cut, fewer_clips(1), shorter(1.0)))
    kept, lacking, _ = fit([part], room_of(cut.at(7.0)))
    assert spans(kept[0].data) == [(211, pytest.approx(7.0, abs=1e-3))] * 3
    assert lacking == ["Only the first 7 seconds of the motion are on this page."]
    # what comes after the cut is done to the longer one too, and both are told
    kept, lacking, _ = fit([part], room_of(cut, fewer_clips(2)))
    assert clip_names(kept[0].data) == ["walk"]
    assert 2.0 < spans(kept[0].data)[0][1] < 5.0
    assert lacking == [f"Only the first {spans(kept[0].data)[0][1]:.0f} seconds of the motion are on this page.",
                       "This page shows 1 of the full result's motions."]
    # the more important part comes first
    alone = Part("b", "x/y", glb, "The body alone is", (cut,), rank=4)
    kept, lacking, gone = fit([alone, part], room_of(cut.at(8.0)) + room_of(cut.at(3.0)))
    assert {one.key: round(spans(one.data)[0][1]) for one in kept} == {"a": 9, "b": 2}
    assert (lacking, gone) == (["Only the first 9 seconds of the motion are on this page.",
                                "The body alone is smaller too: only the first 2 seconds of the motion are on this "
                                "page."], [])
    kept, lacking, _ = fit([alone, part], room_of(cut) + alone.size)  # and does not stay short beside a whole one
    assert {one.key: round(spans(one.data)[0][1]) for one in kept} == {"a": 10, "b": 2}
    assert lacking == ["The body alone is smaller: only the first 2 seconds of the motion are on this page."]


def test_a_motion_that_is_whole_is_not_told_to_be_cut(tmp_path: Path) -> None:
    data = write_glb(textured(), tmp_path / "a.glb", [made.turning("short", 60, 30.0), made.turning("long", 300, 30.0)]
                     ).read_bytes()
    (one, _), cut = fewer_clips(1)(data) or pytest.fail("nothing to take away"), shorter(4.0)
    kept, lacking, _ = fit([Part("a", "x/y", data, ways=(cut, fewer_clips(1)))], Part("a", "x/y", one).size)
    assert spans(kept[0].data) == [(60, pytest.approx(59 / 30, abs=1e-3))]
    assert lacking == ["This page shows 1 of the full result's motions."]


def test_curves_are_drawn_with_their_gaps() -> None:
    drawn = chart("A <b>", [Line("x", "red", [0.0, 1.0, np.nan, np.nan, 2.0, 3.0])], 5.0, unit="°",
                  lanes=[Lane("Feet & toes", "blue", [(0, 1), (2, 2.5)])])
    assert "A &lt;b&gt;" in drawn
    assert drawn.count("M") >= 2  # the gap
    assert "NaN" not in drawn.replace("nan", "NaN")
    assert 'style="left:40.00%;width:10.00%' in drawn
    assert "Feet &amp; toes" in drawn
    assert len(chart("long", [Line("x", "red", np.random.default_rng(0).normal(size=50_000))], 9.0)) < 30_000
    flat = chart("flat", [Line("x", "red", [np.nan, np.nan])], 0.0)
    assert "role=\"slider\"" in flat
