"""Fuzz cases: pictures and videos."""

from __future__ import annotations

import io
import os
import random
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import _app_fuzz_reads as reads
import numpy as np
from _app_fuzz_common import Case, Make, Wants, cut, damages, made, written
from PIL import Image

FORMATS = {"jpg": {}, "png": {}, "webp": {}, "bmp": {}, "tif": {"compression": "tiff_lzw"}, "gif": {}, "avif": {},
           "heic": {}, "ppm": {}, "tga": {}, "ico": {}, "jp2": {}}


@lru_cache
def scene(mode: str = "RGB", size: tuple[int, int] = (240, 320)) -> Image.Image:
    """A picture with contents and nobody in it."""
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    waves = np.stack([np.sin(9 * x + k) * np.cos(7 * y - k) for k in range(3)], axis=-1)
    return Image.fromarray((127 + 100 * waves).astype(np.uint8)).convert(mode)


@lru_cache
def encoded(kind: str, mode: str = "RGB", size: tuple[int, int] = (240, 320)) -> bytes:
    """A file of the scene."""
    out = io.BytesIO()
    if kind == "heic":
        import pillow_heif

        pillow_heif.from_pillow(scene(mode, size)).save(out, format="HEIF")
    else:
        names = {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000"}
        scene(mode, size).save(out, names.get(kind, kind.upper()), **FORMATS.get(kind, {}))  # type: ignore[arg-type]
    return out.getvalue()


def png(width: int, height: int, data: bytes = b"", depth: int = 8, color: int = 2) -> bytes:
    """A PNG with any header."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


def _saved(name: str, image: Callable[[], Image.Image], **options: Any) -> Make:
    def make(folder: Path, rng: random.Random) -> Path:
        image().save(folder / name, **options)
        return folder / name

    return make


def _exif(**tags: Any) -> bytes:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[int(tag[1:])] = value
    return exif.tobytes()


def _linked(target: str, name: str = "photo.jpg") -> Make:
    def make(folder: Path) -> Path:
        os.symlink(target, folder / name)
        return folder / name

    return made(make)


def _animated(name: str, count: int = 40) -> Make:
    frames = [scene().rotate(9 * k) for k in range(count)]
    return _saved(name, lambda: frames[0], save_all=True, append_images=frames[1:], duration=50)


def pictures() -> Iterator[Case]:
    """All kinds of pictures."""
    for kind in FORMATS:
        yield Case(f"picture {kind}", written(f"photo.{kind}", encoded(kind)), reads.picture,
                   "any" if kind in ("avif", "jp2") else "read")
        yield Case(f"picture {kind} called png", written("photo.png", encoded(kind)), reads.picture)
        yield from cut(f"picture {kind}", f"photo.{kind}", lambda kind=kind: encoded(kind), reads.picture,
                       (0, 0.01, 0.3, 0.95))
        yield from damages(f"picture {kind}", f"photo.{kind}", lambda kind=kind: encoded(kind), reads.picture, 7)
    yield from _modes()
    yield from _headers()
    yield from _disguised()
    for number in range(4):
        yield from damages(f"photo job {number}", "photo.jpg", lambda: encoded("jpg"), reads.photo, 1)
    yield Case("photo job, nobody", written("photo.jpg", encoded("jpg")), reads.photo, "refuse")


def _modes() -> Iterator[Case]:
    """Kinds of pixels, sizes and rotations."""
    for mode, kind in (("L", "png"), ("LA", "png"), ("P", "png"), ("P", "gif"), ("1", "png"), ("RGBA", "png"),
                       ("CMYK", "jpg"), ("CMYK", "tif"), ("YCbCr", "jpg"), ("LAB", "tif"), ("F", "tif"), ("I", "tif")):
        yield Case(f"picture of mode {mode} as {kind}", written(f"photo.{kind}", encoded(kind, mode)), reads.picture,
                   "read")
    deep = np.linspace(0, 65535, 240 * 320).reshape(320, 240).astype(np.uint16)
    yield Case("picture of 16 bits", _saved("photo.png", lambda: Image.fromarray(deep)), reads.picture, "read")
    holes = np.linspace(0, 1, 240 * 320, dtype=np.float32).reshape(320, 240)
    holes[5, 5:9] = np.nan, np.inf, -np.inf, 1e38
    yield Case("picture of NaN", _saved("photo.tif", lambda: Image.fromarray(holes)), reads.picture, "refuse")
    for size, wants in (((1, 1), "refuse"), ((20000, 1), "refuse"), ((1, 20000), "refuse"), ((63, 63), "refuse"),
                        ((64, 64), "read"), ((20000, 70), "refuse"), ((65, 9000), "refuse"), ((5000, 5000), "read")):
        wish: Wants = wants  # type: ignore[assignment]
        yield Case(f"picture of {size[0]} x {size[1]}", _saved("photo.png", lambda size=size: scene(size=size)),
                   reads.picture, wish)
    for turn in (*range(1, 9), 0, 9, 77):
        yield Case(f"picture turned {turn}", _saved("photo.jpg", scene, exif=_exif(t274=turn)), reads.picture, "read")
    wordy = _exif(t270="up").replace(b"\x01\x0e", b"\x01\x12").replace(b"\x0e\x01", b"\x12\x01")
    yield Case("picture with words for a turn", _saved("photo.jpg", scene, exif=wordy), reads.picture)
    for number, exif in enumerate((b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
                                   b"Exif\0\0" + bytes(range(256)) * 20)):
        yield Case(f"picture with broken EXIF {number}", _saved("photo.jpg", scene, exif=exif), reads.picture, "read")
    for number, icc in enumerate((b"", b"no profile", bytes(4000), b"\0\0\1\0" + b"acsp" * 60)):
        yield Case(f"picture with broken profile {number}", _saved("photo.png", scene, icc_profile=icc), reads.picture,
                   "read")
    for value, words in ((0, "black"), (255, "white"), (90, "one grey")):
        flat = Image.new("RGB", (300, 300), (value,) * 3)
        yield Case(f"picture all {words}", _saved("photo.png", lambda flat=flat: flat), reads.picture, "refuse")
    for kind in ("gif", "png", "webp"):
        yield Case(f"picture, animated {kind}", _animated(f"photo.{kind}"), reads.picture, "read")
    yield Case("picture, transparent only", _saved("photo.png", lambda: Image.new("RGBA", (300, 300), (9, 9, 9, 0))),
               reads.picture, "refuse")


def _headers() -> Iterator[Case]:
    """Pictures that say they are huge, and some that are."""
    for width, height in ((2**31 - 1, 2**31 - 1), (60000, 60000), (17000, 17000), (2**31 - 1, 64), (0, 100),
                          (65536, 1)):
        yield Case(f"picture header {width} x {height}", written("photo.png", png(width, height, b"abc")),
                   reads.picture, "refuse")
    yield Case("picture bomb png", written("photo.png", png(30000, 30000, bytes(30001 * 30), 1, 0)), reads.picture,
               "refuse")
    rows = b"".join(b"\0" + bytes(2000) for _ in range(16000))
    yield Case("picture bomb of one bit", written("photo.png", png(16000, 16000, rows, 1, 0)), reads.picture)
    for name, head in (("gif", b"GIF89a\xff\xff\xff\xff\xf7\0\0"), ("bmp", b"BM" + struct.pack("<IIIIiiHHI", 99, 0, 54,
                       40, 2**30, 2**30, 1, 24, 0) + bytes(20)), ("ppm", b"P6 99999 99999 255\n"),
                       ("tga", bytes([0, 0, 2] + [0] * 9) + b"\xff\xff\xff\xff\x18\0"), ("jpg", encoded("jpg")[:158]
                       + b"\xff\xc0\0\x11\x08\xff\xff\xff\xff\3\1\x22\0\2\x11\1\3\x11\1"),
                       ("webp", b"RIFF\xff\xff\xff\x7fWEBPVP8X\n\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff"),
                       ("tif", b"II*\0\x08\0\0\0\2\0\0\1\4\0\1\0\0\0\xff\xff\xff\x7f\1\1\4\0\1\0\0\0\xff\xff\xff\x7f"
                        + bytes(4)), ("tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"), ("psd", b"8BPS\0\1" + bytes(6)
                       + b"\0\3\0\1\0\0\0\1\0\0\0\x08\0\3" + bytes(40)), ("icns", b"icns\xff\xff\xff\xffic10"
                       + b"\xff\xff\xff\xf0"), ("dds", b"DDS |\0\0\0" + b"\xff" * 120), ("eps", b"%!PS-Adobe-3.0 EPSF\n"
                       b"%%BoundingBox: 0 0 900 900\n%%EndComments\n(x) run\n"), ("fli", b"\x20\0\0\0\x11\xaf\xff\xff"
                       + b"\xff" * 120), ("pcx", b"\n\5\1\x08\0\0\0\0\xff\xff\xff\xff" + bytes(116)),
                       ("sgi", b"\1\xda\1\1\0\3\xff\xff\xff\xff\0\3" + bytes(500)), ("xpm", b"/* XPM */\n" * 40)):
        yield Case(f"picture hostile {name} {len(head)}", written(f"photo.{name}", head), reads.picture, "refuse")


def _disguised() -> Iterator[Case]:
    """What is no picture, or more than one thing."""
    jpeg = encoded("jpg")
    for words, data in (("zip", b"PK\3\4" + bytes(200)), ("pdf", b"%PDF-1.7\n" * 9),
                        ("svg", b"<svg onload='x()'/>" * 9),
                        ("html", b"<html><script>alert(1)</script>" * 9), ("elf", b"\x7fELF" + bytes(300)),
                        ("zeros", bytes(70_000)), ("ones", b"\xff" * 70_000), ("words", b"Dear reader, " * 90),
                        ("mp4", b"\0\0\0\x20ftypisom" + bytes(90)), ("nothing", b""), ("one byte", b"\xff"),
                        ("ftyp", b"\0\0\0\x18ftypheic" + bytes(60))):
        yield Case(f"picture that is {words}", written("photo.jpg", data), reads.picture, "refuse")
    yield Case("picture and zip", written("photo.jpg", jpeg + b"PK\5\6" + bytes(18)), reads.picture, "read")
    yield Case("picture and page", written("photo.jpg", jpeg[:2] + b"\xff\xfe\0\x22<script>alert(document.domain)"
                                           + jpeg[2:]), reads.picture)
    yield Case("picture behind rubbish", written("photo.jpg", b"\0" * 500 + jpeg), reads.picture, "refuse")
    yield Case("picture, link to a program", _linked(os.devnull), reads.picture, "refuse")
    yield Case("picture, link to nothing", _linked("nowhere"), reads.picture, "refuse")
    yield Case("picture, link to itself", _linked("photo.jpg"), reads.picture, "refuse")
    yield Case("picture, a folder", made(lambda folder: folder), reads.picture, "refuse")
    yield Case("picture, a long name", made(lambda folder: folder / ("a" * 400 + ".jpg")), reads.picture, "refuse")
    yield Case("picture, a zero in the name", made(lambda folder: f"{folder}/a\0b.jpg"), reads.picture, "refuse")
    for value in (np.zeros((0, 5, 3)), np.zeros(7), np.full((90, 90, 3), np.nan), np.array([["a"]]),
                  np.zeros((90, 90, 7)), np.full((90, 90), object()), np.zeros((90, 90), complex)):
        yield Case(f"picture array {value.shape} {value.dtype}", made(lambda folder, value=value: value), reads.picture,
                   "refuse")


@lru_cache
def film(kind: str = "mp4", size: tuple[int, int] = (160, 120), count: int = 12) -> bytes:
    """A video of the scene."""
    import tempfile

    from humanav.export import write_mp4

    frames = [np.asarray(scene(size=size).rotate(5 * k)) for k in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        path = write_mp4(frames, Path(folder) / "clip.mp4", 15)
        if kind == "mp4":
            return path.read_bytes()
        import av

        with av.open(str(Path(folder) / f"clip.{kind}"), "w") as out:
            stream = out.add_stream("mpeg4" if kind != "webm" else "libvpx", rate=15)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for frame in frames:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
            out.mux(stream.encode())
        return (Path(folder) / f"clip.{kind}").read_bytes()


def _patched(data: bytes, box: bytes, offset: int, value: bytes) -> bytes:
    """The film with a field of a box overwritten."""
    at = data.index(box) + 4 + offset
    return data[:at] + value + data[at + len(value):]


def videos() -> Iterator[Case]:
    """All kinds of clips."""
    for kind in ("mp4", "avi", "mov", "webm"):
        yield Case(f"video {kind}", written(f"clip.{kind}", film(kind)), reads.clip, "read")
        yield from cut(f"video {kind}", f"clip.{kind}", lambda kind=kind: film(kind), reads.clip,
                       (0, 0.02, 0.5, 0.9, 0.99))
        yield from damages(f"video {kind}", f"clip.{kind}", lambda kind=kind: film(kind), reads.clip, 12)
    whole = film()
    huge = b"\xff\xff\xff\xff"
    for box, offset, value in ((b"mvhd", 16, huge), (b"mdhd", 16, huge), (b"mdhd", 12, bytes(4)), (b"tkhd", 20, huge),
                               (b"tkhd", 76, huge * 2), (b"avc1", 24, b"\xff\xff\xff\xff"), (b"stts", 4, huge),
                               (b"stts", 12, huge), (b"stts", 12, bytes(4)), (b"stsz", 8, b"\x7f\xff\xff\xff"),
                               (b"stco", 4, huge), (b"stco", 8, huge), (b"stsc", 4, huge), (b"mvhd", 12, bytes(4)),
                               (b"mdat", -8, huge), (b"moov", -8, huge), (b"ftyp", 0, b"qqqq")):
        yield Case(f"video that lies in {box.decode()} {offset} {value[:1].hex()}",
                   written("clip.mp4", _patched(whole, box, offset, value)), reads.clip)
    for size in ((16, 16), (3840, 16), (16, 2000), (162, 122), (3840, 2160)):
        yield Case(f"video of {size[0]} x {size[1]}", made(lambda folder, size=size: _film_in(folder, size)),
                   reads.clip, "read")
    yield Case("video of one frame", written("clip.mp4", film(count=1)), reads.clip, "read")
    yield Case("video, a picture", written("clip.jpg", encoded("jpg")), reads.clip, "read")
    yield Case("video, animated", _animated("clip.gif"), reads.clip, "read")
    yield Case("video called jpg", written("clip.jpg", whole), reads.clip, "refuse")
    for words, data in (("words", b"Dear reader, " * 90), ("zeros", bytes(40_000)), ("zip", b"PK\3\4" + bytes(99)),
                        ("playlist", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n"),
                        ("far playlist", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"),
                        ("list", b"ffconcat version 1.0\nfile /etc/passwd\n"), ("sdp", b"v=0\nc=IN IP4 127.0.0.1\n"
                         b"m=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n")):
        yield Case(f"video that is {words}", written("clip.mp4", data), reads.clip, "refuse")
    yield Case("video, an address", made(lambda folder: "http://127.0.0.1:9/clip.mp4"), reads.clip, "refuse")
    yield Case("video, a pipe's name", made(lambda folder: "pipe:0"), reads.clip, "refuse")
    yield Case("video, sound only", made(_sound), reads.clip, "refuse")
    yield from _folders()


def _film_in(folder: Path, size: tuple[int, int]) -> Path:
    (folder / "clip.mp4").write_bytes(film(size=size, count=4))
    return folder / "clip.mp4"


def _sound(folder: Path) -> Path:
    import wave

    with wave.open(str(folder / "clip.wav"), "wb") as out:
        out.setparams((1, 2, 8000, 8000, "NONE", ""))
        out.writeframes(bytes(16000))
    return folder / "clip.wav"


def _folders() -> Iterator[Case]:
    """Folders of pictures that are to be a clip."""
    def folder_of(*parts: bytes, names: str = "{}.png", listed: bytes | None = None) -> Make:
        def make(folder: Path) -> Path:
            (folder / "images").mkdir()
            for number, data in enumerate(parts):
                (folder / "images" / names.format(number)).write_bytes(data)
            if listed is not None:
                (folder / "valid_frame_list.txt").write_bytes(listed)
            return folder

        return made(make)

    one, other = encoded("png"), encoded("png", size=(320, 240))
    yield Case("pictures", folder_of(one, one, one), reads.clip, "read")
    yield Case("pictures of two shapes", folder_of(one, other), reads.clip, "refuse")
    yield Case("pictures, one damaged", folder_of(one, one[:100], one), reads.clip, "refuse")
    yield Case("pictures, the first damaged", folder_of(b"", one), reads.clip, "refuse")
    yield Case("pictures that say they are huge", folder_of(png(60000, 60000)), reads.clip, "refuse")
    yield Case("pictures, a bomb", folder_of(png(13000, 13000, bytes(16_000_000), 1, 0)), reads.clip)
    yield Case("pictures with long numbers", folder_of(one, one, names="9" * 30 + "{}.png"), reads.clip, "read")
    for number, listed in enumerate((b"nan", b"-1", b"1e9", b"\xff\xfe\0", b"99999999999999999999999999", b"2\n1\n",
                                     b"",
                                     b"0\n" * 200_000)):
        yield Case(f"pictures with a bad list {number}", folder_of(one, one, one, listed=listed), reads.clip,
                   "any" if number in (5, 7) else "refuse")

    def looped(folder: Path) -> Path:
        (folder / "images").mkdir()
        os.symlink(folder / "images", folder / "images" / "more")
        os.symlink(os.devnull, folder / "images" / "0.png")
        shutil.copyfile(__file__, folder / "images" / "1.png")
        return folder

    yield Case("pictures, links", made(looped), reads.clip, "any")
