"""Reading photos: every usual kind of picture becomes one plain RGB array, every bad one a clear sentence."""

from __future__ import annotations

import io
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from humanav.errors import ImageError, MissingExtraError

Pixels = NDArray[np.uint8]
ImageSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | NDArray[np.generic]

MAX_SIDE = 2048
"""Photos are worked on at no more than this many pixels on the longer side."""
MIN_SIDE = 64
"""Pictures with a shorter side below this are refused: a person in them has no hands or face to see."""
MAX_MEGAPIXELS = 300
"""Larger pictures are refused before they are decoded."""

_KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "MPO", "JPEG2000", "AVIF", "HEIF", "PPM",
          "TGA", "ICO", "PCX")
"""Kinds of pictures that are read. Pillow knows others, PostScript among them, for which it would start a program."""

_pillow_settings = threading.Lock()


@dataclass(frozen=True)
class Photo:
    """A picture ready for work.

    Attributes:
        pixels: (H,W,3) uint8 RGB, upright, at most ``max_side`` on the longer side.
        original_size: (width, height) of the picture as given, upright.
    """

    pixels: Pixels
    original_size: tuple[int, int]


def load_image(source: ImageSource, max_side: int | None = MAX_SIDE) -> Pixels:
    """The pixels of :func:`load_photo`: uint8 RGB (H,W,3). Raises ImageError."""
    return load_photo(source, max_side).pixels


def load_photo(source: ImageSource, max_side: int | None = MAX_SIDE) -> Photo:
    """Read a picture of any usual kind.

    The camera's rotation tag is applied, transparency is laid on white, CMYK, palette, grey, 16-bit and wide-gamut
    pictures become 8-bit sRGB, an animation gives its first frame.

    Args:
        source: a path, the bytes of a file, an open binary file, a PIL image, or an array (H,W), (H,W,1), (H,W,3) or
            (H,W,4) in RGB order: uint8, uint16, bool, or floats in 0..1 (0..255 when any value exceeds 1).
        max_side: shrink to this many pixels on the longer side; None keeps the size.

    Raises:
        ImageError: the file is missing, empty, damaged, no image, too small, too large, or shows one flat colour.
        MissingExtraError: a HEIC photo, and no reader for it is installed.
    """
    if isinstance(source, np.ndarray):
        image: Image.Image = Image.fromarray(_array_to_bytes(source))
    elif isinstance(source, Image.Image):
        image = _own(source)
    else:
        image = _open(source)
    try:
        photo = _convert(image, max_side)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("There is not enough memory for this picture: save it smaller and try again.") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, zlib.error, ValueError and more
        raise ImageError("The picture is damaged or incomplete: export or download it again and retry.") from error
    finally:
        image.close()
    _require_contents(photo.pixels)
    return photo


def picture_kinds() -> list[str]:
    """The kinds of pictures that are read and that this installation can read, as Pillow calls them."""
    Image.init()
    return [kind for kind in _KINDS if kind in Image.OPEN]


def _own(image: Image.Image) -> Image.Image:
    """A copy that may be shrunk and closed without touching the caller's picture."""
    try:
        copy = image.copy()
    except Exception as error:
        raise ImageError("The picture is damaged or incomplete: export or download it again and retry.") from error
    copy.getexif().update(image.getexif())
    return copy


def _open(source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO) -> Image.Image:
    stream: BinaryIO
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if "\0" in str(path):
            raise ImageError("There is no file of that name: check the name and the folder.")
        try:
            if path.is_dir():
                raise ImageError(f"{path.name or path} is a folder: choose one picture file (JPEG or PNG).")
            stream = path.open("rb")
        except FileNotFoundError as error:
            raise ImageError(f"There is no file {path.name}: check the name and the folder.") from error
        except (OSError, ValueError) as error:
            raise ImageError(f"The file {path.name[:60]} cannot be opened: check that you may read it.") from error
    elif isinstance(source, bytes | bytearray | memoryview):
        stream = io.BytesIO(bytes(source))
    elif hasattr(source, "read"):
        stream = io.BytesIO(source.read())
    else:
        raise ImageError(f"A picture is needed (a file, bytes or an array); got {type(source).__name__}.")
    head = stream.read(32)
    stream.seek(0)
    if not head:
        raise ImageError("The file is empty: choose a JPEG or PNG picture.")
    heic = head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
    if heic:
        _register_heif()
    with _pillow_settings:
        # Pillow's own limit is 89 megapixels (a warning) and twice that (an error); phones reach 200.
        if Image.MAX_IMAGE_PIXELS is not None:
            Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MAX_MEGAPIXELS * 1_000_000)
    try:
        return Image.open(stream, formats=picture_kinds())
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except UnidentifiedImageError as error:
        raise ImageError(_not_an_image(head)) from error
    except Exception as error:
        raise ImageError("The picture is damaged or incomplete: export or download it again and retry.") from error


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtraError("This is a HEIC photo (iPhone): convert it to JPEG first, or install the reader with "
                                "pip install 'humanav[heif]'.") from error
    pillow_heif.register_heif_opener()


def _not_an_image(head: bytes) -> str:
    kinds = ((b"%PDF", "a PDF document"), (b"PK\x03\x04", "a ZIP archive or Office document"),
             (b"\x1aE\xdf\xa3", "a video"), (b"OggS", "a video"), (b"<svg", "a vector drawing"))
    kind = next((words for magic, words in kinds if head.startswith(magic)), None)
    if head[4:8] == b"ftyp":
        kind = "an AVIF picture that this installation cannot read" if head[8:12] in (b"avif", b"avis") else "a video"
    looks = f": it looks like {kind}" if kind else ""
    return f"This file is not a picture we can read{looks}. Choose a JPEG, PNG or WebP photo."


def _too_large() -> ImageError:
    return ImageError(f"The picture has more than {MAX_MEGAPIXELS} megapixels: save it smaller "
                      f"({MAX_SIDE} pixels on the longer side are enough) and try again.")


def _convert(image: Image.Image, max_side: int | None) -> Photo:
    width, height = image.size
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise _too_large()
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"The picture is only {width} x {height} pixels: a person needs at least "
                         f"{MIN_SIDE} pixels, better 500 or more. Choose a larger photo.")
    if max_side and max(width, height) > max_side:
        # JPEG can decode straight to 1/2, 1/4 or 1/8; the others are shrunk in whole steps before anything is copied.
        image.draft(None, (max_side, max_side))
        factor = max(image.size) // max_side
        if factor >= 2:
            if image.mode in ("P", "1") or image.mode.startswith("I;16"):
                image = image.resize((image.width // factor, image.height // factor), Image.Resampling.NEAREST)
            else:
                image = _reduce(image, factor)
    icc = image.info.get("icc_profile")
    exif_rotated = _upright(image)
    turned = exif_rotated.size != image.size
    rgb = _to_rgb(exif_rotated)
    if max_side and max(rgb.size) > max_side:
        rgb.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    if icc:
        rgb = _to_srgb(rgb, icc)
    if min(rgb.size) < MIN_SIDE // 2:
        raise ImageError("The picture is a very narrow strip: choose a photo that shows a whole person.")
    return Photo(np.array(rgb, dtype=np.uint8), (height, width) if turned else (width, height))


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    info = image.info
    exif = image.getexif()
    small = image.reduce(factor)
    small.info.update(info)
    small.getexif().update(exif)
    return small


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # a broken tag must not cost the visitor the photo
        image.load()
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_array_to_bytes(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _to_srgb(rgb: Image.Image, icc: bytes) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if profile.profile.xcolor_space.strip() != "RGB" or "srgb" in ImageCms.getProfileDescription(profile).lower():
            return rgb
        converted = ImageCms.profileToProfile(rgb, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return rgb
    return converted if converted is not None else rgb


def _array_to_bytes(array: NDArray[np.generic]) -> Pixels:
    a = np.asarray(array)
    if a.size == 0:
        raise ImageError("The picture is empty: choose a JPEG or PNG picture.")
    if a.ndim == 3 and a.shape[2] == 1:
        a = a[..., 0]
    if not (a.ndim == 2 or (a.ndim == 3 and a.shape[2] in (3, 4))):
        raise ImageError(f"A picture array must be (height, width), with 3 or 4 channels if any; got {a.shape}.")
    if a.shape[0] * a.shape[1] > MAX_MEGAPIXELS * 1_000_000:
        raise _too_large()
    if a.dtype == np.uint8:
        out: NDArray[np.generic] = a
    elif a.dtype == np.bool_:
        out = a.astype(np.uint8) * np.uint8(255)
    elif np.issubdtype(a.dtype, np.number) and not np.issubdtype(a.dtype, np.complexfloating):
        values = a.astype(np.float32)
        if not np.isfinite(values).all():
            raise ImageError("The picture holds values that are not numbers: export it again as JPEG or PNG.")
        top = float(values.max())
        if np.issubdtype(a.dtype, np.floating):
            scale = 255.0 if top <= 1.0 else 1.0 if top <= 255.0 else 255.0 / top
        else:
            scale = 1.0 if top <= 255 and a.dtype != np.uint16 else 255.0 / 65535 if top <= 65535 else 255.0 / top
        out = np.clip(values * scale + 0.5, 0, 255).astype(np.uint8)
    else:
        raise ImageError(f"A picture array must hold numbers; got {a.dtype}.")
    return np.ascontiguousarray(out, dtype=np.uint8)


def _require_contents(pixels: Pixels) -> None:
    sample = pixels[:: max(1, pixels.shape[0] // 512), :: max(1, pixels.shape[1] // 512)].reshape(-1, 3)
    low, high = np.percentile(sample, (0.5, 99.5), axis=0)
    if high.max() < 16:
        raise ImageError("The picture is black or far too dark to see anyone: choose a well lit photo.")
    if (high - low).max() < 6:
        raise ImageError("The picture shows one flat colour and no person: choose another photo.")
