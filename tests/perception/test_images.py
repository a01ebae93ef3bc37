"""Every kind of picture a visitor may bring, good and bad, one by one."""

import io

import numpy as np
import pytest
from PIL import Image

from humanav.errors import ImageError, InputError
from humanav.perception import images as images_module
from humanav.perception import load_image, load_photo


def picture(width=120, height=160):
    """A colourful test picture: red grows to the right, green downwards."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), np.full_like(x, 60)], -1).astype(np.uint8)


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def close(a, b, limit=6.0):
    return a.shape == b.shape and np.abs(a.astype(float) - b).mean() < limit


def test_path_bytes_file_pil_and_array_agree(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(Image.fromarray(picture())))
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), io.BytesIO(path.read_bytes()),
                   Image.open(path), picture()):
        pixels = load_image(source)
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, picture())
    with path.open("rb") as stream:
        assert np.array_equal(load_image(stream), picture())


@pytest.mark.parametrize("tag", range(1, 9))
def test_camera_rotation_tag_is_applied(tag):
    turned = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
              5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1),
              7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, -1)}[tag](picture())
    exif = Image.Exif()
    exif[0x0112] = tag
    data = encoded(Image.fromarray(np.ascontiguousarray(turned)), "JPEG", quality=95, exif=exif)
    photo = load_photo(data)
    assert close(photo.pixels, picture())
    assert photo.original_size == (120, 160)
    assert load_photo(data, max_side=80).pixels.shape == (80, 60, 3)


def test_rotation_survives_shrinking_of_large_pictures():
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG"):
        data = encoded(Image.fromarray(picture(1200, 800)), kind, exif=exif)
        photo = load_photo(data, max_side=300)
        assert photo.pixels.shape == (300, 200, 3)
        assert photo.original_size == (800, 1200)
        assert photo.pixels[:, :100, 1].mean() > photo.pixels[:, 100:, 1].mean()  # turned clockwise


def test_transparency_is_laid_on_white():
    rgba = np.dstack([picture(), np.full((160, 120), 255, np.uint8)])
    rgba[:80, :, 3] = 0
    for mode in ("RGBA", "PA", "LA"):
        image = Image.fromarray(rgba)
        data = encoded(image.quantize(64) if mode == "PA" else image.convert(mode))
        pixels = load_image(data)
        assert (pixels[:78] > 250).all(), mode
        assert pixels[100:].std() > 10, mode


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "CMYK"), ("JPEG", "L"), ("GIF", "P"), ("PNG", "P"), ("PNG", "L"),
                                            ("WEBP", "RGB"), ("BMP", "RGB"), ("TIFF", "RGB"), ("TIFF", "CMYK"),
                                            ("TIFF", "LAB")])
def test_every_usual_mode_becomes_rgb(kind, mode):
    image = Image.fromarray(picture())
    if mode == "LAB":
        from PIL import ImageCms

        image = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"),
                                          outputMode="LAB")
    else:
        image = image.convert(mode)
    expected = np.asarray(image.convert("RGB")) if mode in ("L", "P") else picture()
    assert close(load_image(encoded(image, kind)), expected, 12)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey(kind):
    values = (picture()[..., 0].astype(np.uint16) * 257)
    pixels = load_image(encoded(Image.fromarray(values), kind))
    assert close(pixels, np.repeat(picture()[..., :1], 3, -1), 1.5)
    large = np.repeat(np.repeat(values, 8, 0), 8, 1)
    assert close(load_image(encoded(Image.fromarray(large), kind), max_side=160),
                 np.repeat(picture()[..., :1], 3, -1), 4)


@pytest.mark.parametrize("kind", [".png", ".tiff"])
def test_sixteen_bit_colour(kind):
    cv2 = pytest.importorskip("cv2")
    _, data = cv2.imencode(kind, picture()[..., ::-1].astype(np.uint16) * 257)
    assert close(load_image(data.tobytes()), picture(), 1.5)


def test_float_tiff():
    image = Image.fromarray(picture()[..., 1].astype(np.float32) / 255)
    assert close(load_image(encoded(image, "TIFF")), np.repeat(picture()[..., 1:2], 3, -1), 1.5)


def test_animation_gives_its_first_frame():
    frames = [Image.fromarray(picture()), Image.fromarray(255 - picture())]
    pixels = load_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert close(pixels, picture(), 20)


@pytest.mark.parametrize("array", [
    picture().astype(np.uint16) * 257, picture() / 255.0, picture().astype(np.float32), picture().astype(np.int64),
    np.dstack([picture(), np.full((160, 120), 255)]).astype(np.uint8)])
def test_arrays_of_other_types(array):
    assert close(load_image(array), picture(), 1.5)


def test_grey_and_boolean_arrays():
    grey = picture()[..., 0]
    assert np.array_equal(load_image(grey), np.repeat(grey[..., None], 3, -1))
    assert np.array_equal(load_image(grey[..., None]), load_image(grey))
    assert load_image(grey > 100).max() == 255


def test_wide_gamut_is_brought_to_srgb():
    from PIL import ImageCms

    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(Image.fromarray(picture()), "PNG", icc_profile=xyz)
    assert close(load_image(data), picture(), 2)
    assert close(load_image(encoded(Image.fromarray(picture()), "PNG", icc_profile=b"no profile")), picture(), 0.1)


def test_large_photos_are_shrunk_and_their_size_is_told():
    photo = load_photo(encoded(Image.fromarray(picture(3000, 2400)), "JPEG"))
    assert photo.pixels.shape == (1638, 2048, 3)
    assert photo.original_size == (3000, 2400)
    assert load_image(picture(2300, 200), max_side=None).shape == (200, 2300, 3)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "P"), ("PNG", "RGBA")])
def test_hundred_megapixels(kind, mode):
    tile = Image.fromarray(picture(1000, 1000))
    image = Image.new("RGB", (10000, 10000))
    for i in range(100):
        image.paste(tile, (i % 10 * 1000, i // 10 * 1000))
    data = encoded(image.convert(mode), kind, **({"compress_level": 1} if kind == "PNG" else {}))
    del image
    photo = load_photo(data)
    assert photo.original_size == (10000, 10000)
    assert photo.pixels.shape == (2048, 2048, 3)


def refuses(source, *words, kind=ImageError):
    with pytest.raises(kind) as caught:
        load_image(source)
    sentence = str(caught.value)
    assert sentence[0].isupper() or sentence[0].isalnum()
    assert sentence.endswith(".")
    assert "\n" not in sentence
    for word in words:
        assert word in sentence, sentence
    assert isinstance(caught.value, InputError) or kind is not ImageError


def test_forty_pixels():
    refuses(encoded(Image.fromarray(picture(40, 40))), "40 x 40")


def test_all_black():
    refuses(np.zeros((200, 200, 3), np.uint8), "black")
    noise = np.random.default_rng(0).integers(0, 8, (200, 200, 3), dtype=np.uint8)
    refuses(noise, "dark")


def test_one_flat_colour():
    refuses(np.full((200, 200, 3), (200, 30, 90), np.uint8), "flat colour")
    refuses(encoded(Image.new("RGBA", (300, 300), (0, 0, 0, 0))), "flat colour")


def test_truncated():
    data = encoded(Image.fromarray(picture(600, 600)), "JPEG")
    refuses(data[: len(data) // 2], "damaged")
    data = encoded(Image.fromarray(picture(600, 600)))
    refuses(data[: len(data) // 2], "damaged")
    refuses(data[:20])


def test_corrupt():
    data = bytearray(encoded(Image.fromarray(picture(600, 600))))
    data[41:2000] = b"\xff" * 1959
    refuses(bytes(data))
    refuses(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8)


def test_empty(tmp_path):
    (tmp_path / "empty.jpg").touch()
    refuses(tmp_path / "empty.jpg", "empty")
    refuses(b"", "empty")
    refuses(np.zeros((0, 10, 3)), "empty")


@pytest.mark.parametrize(("data", "word"), [
    (b"hello, I am no picture at all" * 9, "not a picture"), (b"%PDF-1.7 " * 9, "PDF"),
    (b"PK\x03\x04" + bytes(99), "ZIP"),
    (b"\0\0\0\x20ftypisom" + bytes(99), "video"), (b"<svg xmlns='x'/>" * 9, "drawing")])
def test_not_an_image(data, word):
    refuses(data, word)


def test_folder_and_missing_file(tmp_path):
    refuses(tmp_path, "folder")
    refuses(tmp_path / "nowhere.jpg", "nowhere.jpg")
    refuses("nowhere\0.jpg")


def test_strange_sources():
    refuses(None, "NoneType")
    refuses(np.zeros((3, 4, 5, 6)), "(3, 4, 5, 6)")
    refuses(np.zeros((100, 100, 2)), "(100, 100, 2)")
    refuses(np.array([["a"] * 100] * 100), "numbers")
    refuses(np.full((100, 100, 3), np.nan), "not numbers")


def test_narrow_strip():
    refuses(picture(64 * 100, 64), "narrow")


def test_too_many_pixels(monkeypatch):
    monkeypatch.setattr(images_module, "MAX_MEGAPIXELS", 1)
    refuses(encoded(Image.fromarray(picture(1200, 1000))), "megapixels")
    refuses(np.zeros((1200, 1000), np.uint8), "megapixels")


def test_heic_without_a_reader_says_what_to_do(monkeypatch):
    import sys

    from humanav.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    refuses(b"\0\0\0\x18ftypheic" + bytes(64), "HEIC", "JPEG", "humanav[heif]", kind=MissingExtraError)


def test_heic_with_a_reader():
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    assert close(load_image(encoded(Image.fromarray(picture()), "HEIF", quality=90)), picture(), 8)
