"""Captures on disk: the layouts people have, and a name for everything that is missing or odd."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.multiview import capture_unpack
from humanav.multiview.calibration import write_calibration
from humanav.multiview.capture import Capture, check_layout, find_capture, unpack
from humanav.multiview.capture_checks import numbering
from humanav.multiview.capture_names import matched_names
from humanav.multiview.capture_sizes import fit_size
from humanav.multiview.footage import open_footage
from tests.multiview.captures import films, masks, pictures, ring

NAMES = ("cam01", "cam02", "cam03")


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short videos."""
    return films(tmp_path_factory.mktemp("films"), NAMES)


@pytest.fixture
def folder(filmed: Path, tmp_path: Path) -> Path:
    """The videos beside an EasyMocap calibration."""
    place = tmp_path / "jump"
    shutil.copytree(filmed, place)
    write_calibration(ring(NAMES), place)
    return place


def capture_picture(folder: Path) -> Path:
    return next(pictures(folder / "one", [1]).iterdir())


def texts(capture: Capture, stops: bool) -> str:
    return " | ".join(problem.text for problem in capture.problems if problem.stops is stops)


def test_videos_beside_a_calibration(folder: Path) -> None:
    capture = find_capture(folder).check()
    assert (capture.name, capture.names, capture.problems) == ("jump", NAMES, ())
    assert [source.name for source in capture.sources] == ["cam01.mp4", "cam02.mp4", "cam03.mp4"]
    assert capture.sizes == ((96, 64),) * 3
    assert capture.rig is not None
    assert capture.rig.names == NAMES
    assert np.allclose(capture.rig["cam02"].center, ring(NAMES)["cam02"].center)
    assert check_layout(folder) == ()


def test_avatarpose_layout(filmed: Path, tmp_path: Path) -> None:
    root = tmp_path / "pair00_hug"
    shutil.copytree(filmed, root / "videos")
    write_calibration(ring(NAMES), root)
    for name in NAMES:
        masks(root / "mask_sta" / name / "all", range(6))
    capture = find_capture(root).check()
    assert capture.masks == {name: root / "mask_sta" / name / "all" for name in NAMES}
    for name in NAMES:
        pictures(root / "images" / name, range(6))
    assert find_capture(root).sources[0].suffix == ".mp4"
    shutil.rmtree(root / "videos")
    shutil.rmtree(root / "mask_sta" / "cam02")
    capture = find_capture(root)
    assert capture.sources == tuple(root / "images" / name for name in NAMES)
    assert "no masks of cam02" in texts(capture, False)
    assert capture.stops == ()


def test_hi4d_layout(tmp_path: Path) -> None:
    root = tmp_path / "hug00"
    names = ("4", "16", "28")
    (root / "cameras").mkdir(parents=True)
    write_calibration(ring(names), root / "cameras", "hi4d")
    for name in names:
        pictures(root / "images" / name, range(9, 13))
        masks(root / "seg" / "img_seg_mask" / name / "0", range(9, 13))
        masks(root / "seg" / "img_seg_mask" / name / "all", range(9, 13))
    capture = find_capture(root).check()
    assert capture.names == names
    assert capture.rig is not None
    assert {(camera.width, camera.height) for camera in capture.rig.cameras} == {(96, 64)}
    assert capture.masks is not None
    assert capture.masks["16"].parts[-2:] == ("16", "all")
    assert [problem.text for problem in capture.problems] == []


def test_half_sized_pictures_of_a_calibration_that_does_not_say(tmp_path: Path) -> None:
    full = ring(("a", "b"), 192, 128)
    write_calibration(full, tmp_path / "hi4d.npz", "hi4d")
    for name in full.names:
        pictures(tmp_path / "images" / name, range(3))
    capture = find_capture(tmp_path, calibration=tmp_path / "hi4d.npz")
    assert capture.rig is not None
    assert np.allclose(capture.rig["a"].K, full["a"].scaled(0.5).K, atol=0.51)
    assert "scaled by 0.5" in texts(capture, False)


def test_panoptic_layout(filmed: Path, tmp_path: Path) -> None:
    root = tmp_path / "160906_pizza1"
    names = ("00_00", "00_01", "00_02")
    for name, given in zip(NAMES, names):
        (root / "hdVideos").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(filmed / f"{name}.mp4", root / "hdVideos" / f"hd_{given}.mp4")
    write_calibration(ring((*names, "01_05", "02_11")), root / "calibration_160906_pizza1.json", "panoptic")
    capture = find_capture(root).check()
    assert capture.names == names
    assert capture.problems == ()
    assert "2 cameras of the calibration have no video." in capture.notes
    assert any("hd_00_01 is 00_01" in note for note in capture.notes)


def test_a_zip_of_it_and_a_list_of_files(folder: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "jump_zip"), "zip", folder.parent, folder.name))
    capture = find_capture(packed, work=tmp_path / "work").check()
    assert (capture.name, capture.names) == ("jump_zip", NAMES)
    assert (tmp_path / "work") in capture.sources[0].parents
    single = []  # as uploads lie: each in a folder of its own
    for number, file in enumerate(sorted(folder.iterdir())):
        (tmp_path / str(number)).mkdir()
        single.append(Path(shutil.copyfile(file, tmp_path / str(number) / file.name)))
    for name in NAMES:
        masks(tmp_path / "m" / name, range(6))
    single.append(Path(shutil.make_archive(str(tmp_path / "masks_of_it"), "zip", tmp_path / "m")))
    capture = find_capture(single, work=tmp_path / "work2").check()
    assert capture.names == NAMES
    assert capture.rig is not None
    assert capture.masks is not None
    assert set(capture.masks) == set(NAMES)
    videos_zip = Path(shutil.make_archive(str(tmp_path / "videos_only"), "zip", folder))
    write_calibration(ring(NAMES), tmp_path / "c.json", "json")
    capture = find_capture([videos_zip, tmp_path / "c.json"], work=tmp_path / "work3")
    assert "says the same" in " ".join(capture.notes)
    (tmp_path / "notes.pdf").write_bytes(b"x")
    capture = find_capture([*single, tmp_path / "notes.pdf", capture_picture(tmp_path)], work=tmp_path / "work2")
    assert "notes.pdf is no video" in texts(capture, False)
    assert "zip them" in texts(capture, False)
    assert "unpacked" in {part.name for part in (tmp_path / "work2").iterdir()}
    (tmp_path / "extra.pdf").write_bytes(b"x")
    capture = find_capture([videos_zip, tmp_path / "extra.pdf"], work=tmp_path / "work4")
    assert "extra.pdf is no video" in texts(capture, False)
    for wrong in ([], [tmp_path / "none.mp4"], tmp_path / "none", [folder, tmp_path / "c.json"]):
        with pytest.raises(InputError):
            find_capture(wrong)


def test_single_files_and_zips_laid_together(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    shutil.move(folder / "intri.yml", tmp_path / "all" / "intri.yml")
    shutil.move(folder / "extri.yml", tmp_path / "all" / "extri.yml")
    shutil.move(folder, tmp_path / "all" / "upload")
    capture = find_capture(tmp_path / "all").check()
    assert capture.names == NAMES
    assert capture.rig is not None
    films(tmp_path / "all" / "other", ("a", "b"), frames=1)
    several = find_capture(tmp_path / "all")
    assert texts(several, True) == "There are several captures (other, upload): name the folder of one."


def test_names_that_do_not_fit(folder: Path) -> None:
    (folder / "cam03.mp4").rename(folder / "other.mp4")
    capture = find_capture(folder).check()
    assert capture.names == ("cam01", "cam02")
    text = texts(capture, False)
    for words in ("no camera for the video other", "no video of camera cam03", "two views only"):
        assert words in text
    for name in ("cam01", "cam02"):
        (folder / f"{name}.mp4").rename(folder / f"{name[:3]}{'xy'[int(name[-1]) - 1]}.mp4")
    capture = find_capture(folder)
    assert "No video belongs to a camera" in texts(capture, True)
    with pytest.raises(InputError, match="Rename the videos"):
        capture.check()


def test_one_camera_names_the_other_tool(folder: Path) -> None:
    for name in NAMES[1:]:
        (folder / f"{name}.mp4").unlink()
    text = texts(find_capture(folder), True)
    assert "Video tracking" in text
    assert "humanav track" in text


def test_empty_folders_broken_videos_and_no_calibration(folder: Path, tmp_path: Path) -> None:
    (folder / "cam02.mp4").write_bytes(b"not a video")
    (folder / "extri.yml").unlink()
    text = texts(find_capture(folder), True)
    assert "cam02 cannot be read" in text
    assert "extri.yml is missing" in text
    (folder / "intri.yml").unlink()
    (folder / "cam02.mp4").unlink()
    (folder / "Calib.toml").write_text("= broken")
    assert "Calib.toml cannot be read" in texts(find_capture(folder), True)
    (folder / "Calib.toml").unlink()
    (folder / "Calib.qca.txt").write_text("")
    assert "no whole XML file" in texts(find_capture(folder), True)
    (folder / "Calib.qca.txt").unlink()
    capture = find_capture(folder).check()
    assert capture.rig is None
    assert "no calibration of the cameras" in texts(capture, False)
    (tmp_path / "nothing").mkdir()
    assert "There are no videos" in texts(find_capture(tmp_path / "nothing"), True)
    (tmp_path / "gaps" / "images" / "c").mkdir(parents=True)
    for name in "ab":
        pictures(tmp_path / "gaps" / "images" / name, [1, 2, 3, 6, 7] if name == "a" else range(1, 8))
    text = texts(find_capture(tmp_path / "gaps"), False)
    assert "The folder c is empty" in text
    assert "missing in a: 4, 5" in text
    times = {"a": pictures(tmp_path / "times" / "a", [10**18, 10**18 + 33_000_000, 10**18 + 66_000_001, 3 * 10**18])}
    assert "missing in a: 1000000000099000002" in numbering(times)[0].text  # and no end of others, none of them made
    assert numbering({"a": pictures(tmp_path / "times" / "b", [0, 5, 10, 15])}) == []  # every fifth
    pictures(tmp_path / "gaps" / "images" / "c", [100, 101])
    assert "No number of a picture is there in every view" in texts(find_capture(tmp_path / "gaps"), True)


def test_unlike_videos(folder: Path) -> None:
    films(folder, ("cam02",), frames=9, fps=15)
    films(folder, ("cam03",), frames=10, width=88, height=64)
    text = texts(find_capture(folder), False)
    for words in ("frame rates differ (cam01 10, cam02 15", "not equally long (cam01 6, cam02 9, cam03 10",
                  "differ in size", "8 columns fewer at the right"):
        assert words in text


def test_two_calibrations(folder: Path) -> None:
    write_calibration(ring(NAMES), folder / "Calib.toml", "pose2sim")
    capture = find_capture(folder).check()
    assert "says the same" in capture.notes[0]
    write_calibration(ring(("x", "y", "z")), folder / "Calib.toml", "pose2sim")
    assert "Calib.toml names other cameras" in " ".join(find_capture(folder).check().notes)
    moved = ring(tuple(reversed(NAMES)))
    write_calibration(moved, folder / "Calib.toml", "pose2sim")
    assert "two calibrations that differ, intri.yml and extri.yml and Calib.toml" in texts(find_capture(folder), True)
    chosen = find_capture(folder, calibration=folder / "Calib.toml").check()
    assert chosen.rig is not None
    assert np.allclose(chosen.rig["cam01"].center, moved["cam01"].center)
    assert "There is no calibration x.toml" in texts(find_capture(folder, calibration=folder / "x.toml"), True)
    assert "no masks in" in texts(find_capture(folder, masks=folder, calibration=folder / "Calib.toml"), True)


def test_up_and_unit_are_passed_on(folder: Path) -> None:
    a = find_capture(folder, up="y", unit="feet").rig
    assert a is not None
    b = ring(NAMES)["cam01"].center * 0.3048
    assert np.allclose(a["cam01"].center, b[[0, 2, 1]] * [1, -1, 1])


@pytest.mark.parametrize(("videos", "cameras", "want"), [
    (["a", "b"], ["a", "b", "c"], {"a": "a", "b": "b"}), (["Cam_01"], ["cam1"], {"Cam_01": "cam1"}),
    (["hd_00_00", "hd_00_01"], ["00_00", "00_01", "01_00"], {"hd_00_00": "00_00", "hd_00_01": "00_01"}),
    (["port_0", "port_1"], ["cam_0", "cam_1"], {"port_0": "cam_0", "port_1": "cam_1"}),
    (["take3_cam1", "take3_cam2"], ["1", "2", "3"], {"take3_cam1": "1", "take3_cam2": "2"}),
    (["1", "11"], ["cam11", "cam1"], {"1": "cam1", "11": "cam11"}), (["left"], ["right"], {}),
    (["x1", "y1"], ["z1"], {}),
])
def test_names_are_matched(videos: list[str], cameras: list[str], want: dict[str, str]) -> None:
    assert matched_names(videos, cameras) == want


@pytest.mark.parametrize(("size", "scale", "shift", "words", "usable"), [
    ((1088, 1920), (1, 1), (0, 0), "", True), ((1080, 1920), (1, 1), (0, 0), "8 columns fewer at the right", True),
    ((544, 960), (0.5, 0.5), (0, 0), "resized", True), ((1088, 1600), (1, 1), (0, -160), "round the middle", True),
    ((1920, 1088), (1, 1), (0, 0), "on their side", False), ((640, 480), (1, 1), (0, 0), "another shape", False),
    ((1096, 1922), (1, 1), (0, 0), "8 columns more at the right and 2 rows more at the bottom", True),
])
def test_pictures_of_another_size(
    size: tuple[int, int], scale: tuple[float, float], shift: tuple[int, int], words: str, usable: bool
) -> None:
    camera = ring(("a",), 1088, 1920).cameras[0]
    found, text, good = fit_size(camera, size)
    assert (found.width, found.height, good) == (*size, usable)
    assert words in text
    want = np.diag([*scale, 1]) @ camera.K
    want[:2, 2] += shift
    assert np.allclose(found.K, want)


def test_the_real_set(shared: Path, tmp_path: Path) -> None:
    for file in ("cam01.mp4", "cam03.mp4", "Calib.qca.txt", "Calib_qualisys.toml"):
        (tmp_path / file).symlink_to(shared / "testset" / "mv_single" / file)
    capture = find_capture(tmp_path).check()
    assert capture.names == ("cam01", "cam03")
    assert [(clip.frames, clip.width) for clip in capture.clips if clip] == [(100, 1080), (100, 1088)]
    assert "Calib_qualisys.toml says the same" in " ".join(capture.notes)
    assert texts(capture, False).count("8 columns fewer at the right") == 1
    assert capture.rig is not None
    assert [camera.width for camera in capture.rig.cameras] == [1080, 1088]
    with open_footage(capture, max_side=160, fps=30, offsets=(0, 2)) as footage:
        assert (footage.frames, footage.fps) == (48, 30)
        assert [footage.number(view, 47) for view in range(2)] == [94, 98]
        assert footage.frame(1, 3).shape == (160, 91, 3)


def test_unpacking_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def packed(name: str, files: dict[str, bytes], **more: int) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for inside, data in files.items():
                info = zipfile.ZipInfo(inside)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = more.get("attributes", 0o644) << 16
                archive.writestr(info, data)
        return tmp_path / name

    good = packed("good.zip", {"shot/a.txt": b"1", "__MACOSX/shot/._a.txt": b"2", "shot/.DS_Store": b"3"})
    assert unpack(good, tmp_path / "g") == tmp_path / "g" / "shot"
    assert [file.name for file in (tmp_path / "g" / "shot").iterdir()] == ["a.txt"]
    for inside in ("../evil.txt", "/evil.txt", "a/../../evil.txt", "C:/evil.txt", "..\\evil.txt"):
        with pytest.raises(InputError, match="leads out of its folder"):
            unpack(packed("bad.zip", {inside: b"1"}), tmp_path / "bad")
    assert not (tmp_path / "evil.txt").exists()
    with pytest.raises(InputError, match="holds a link"):
        unpack(packed("link.zip", {"a": b"/etc/hostname"}, attributes=stat.S_IFLNK | 0o777), tmp_path / "l")
    monkeypatch.setattr(capture_unpack, "_SMALL", 2**20)
    with pytest.raises(InputError, match="would unpack to"):
        unpack(packed("bomb.zip", {"a": bytes(2**21)}), tmp_path / "b")
    with pytest.raises(InputError, match="would unpack to"):
        unpack(good, tmp_path / "b", max_bytes=0)
    with pytest.raises(InputError, match="more than 1"):
        unpack(packed("many.zip", {"a": b"", "b": b""}), tmp_path / "m", max_files=1)
    with pytest.raises(InputError, match="twice"):
        unpack(packed("twice.zip", {"a": b"1", "A": b"2"}), tmp_path / "t")
    with pytest.raises(InputError, match="no files"):
        unpack(packed("empty.zip", {}), tmp_path / "e")
    data = bytearray(good.read_bytes())
    cut = tmp_path / "cut.zip"
    cut.write_bytes(bytes(data[:40]))
    for wrong, words in ((cut, "no zip"), (tmp_path / "none.zip", "no file")):
        with pytest.raises(InputError, match=words):
            unpack(wrong, tmp_path / "c")
    wide = packed("crc.zip", {"a": b"hello hello hello"})
    spoiled = bytearray(wide.read_bytes())
    spoiled[33] ^= 0xFF
    wide.write_bytes(bytes(spoiled))
    with pytest.raises(InputError, match="damaged"):
        unpack(wide, tmp_path / "crc")
    locked = bytearray(good.read_bytes())
    place = locked.find(b"PK\x01\x02")
    locked[place + 8] |= 1
    good.write_bytes(bytes(locked))
    with pytest.raises(InputError, match="encrypted"):
        unpack(good, tmp_path / "enc")
