"""Cover pictures: an upload is checked, stripped and re-encoded before anything keeps it.

Nothing of the uploaded file itself is stored: neither its name, nor its metadata (a phone writes the
place into it), nor its bytes (which could be a page or a script wearing a picture's name).
"""

import secrets
from io import BytesIO
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.db import models
from django.db.models.fields.files import ImageFieldFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

ACCEPTED = ("JPEG", "PNG", "WEBP", "GIF")
MAX_BYTES = 10 * 1024 * 1024
# A decoded picture takes four bytes for each pixel, so this is what one upload may cost in memory.
MAX_PIXELS = 40_000_000
SIZE = 1600
SMALL_SIZE = 480  # a card's picture at twice its drawn width, for sharp screens
SMALL_MARK = "-small"
EXTENSION = ".webp"


def small_name(name: str) -> str:
    """The name of the small rendition beside the cover called `name`."""
    return name.removesuffix(EXTENSION) + SMALL_MARK + EXTENSION


def clean_cover(upload: File) -> ContentFile:
    """The picture in `upload`, upright, without metadata, as WebP of at most 1600 pixels a side,
    under a random name. Of an animation the first frame.

    Raises ValidationError, with what to do, for a file that is too large or no picture we take.
    """
    if upload.size > MAX_BYTES:
        raise ValidationError(
            _("This file is larger than 10 MB. Choose a smaller one."), code="cover_too_large"
        )
    upload.seek(0)
    picture = _decoded(upload)
    return ContentFile(_encoded(picture, SIZE), name=secrets.token_hex(16) + EXTENSION)


def _decoded(upload: File) -> Image.Image:
    try:
        with Image.open(upload, formats=ACCEPTED) as picture:
            _refuse_many_pixels(picture)
            picture.seek(0)
            picture.draft("RGB", (SIZE, SIZE))  # a JPEG is decoded no larger than needed
            upright = ImageOps.exif_transpose(picture)
            return upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except ValidationError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:  # a hostile file makes the decoders raise nearly anything
        raise ValidationError(
            _("This file cannot be read as a picture. Choose a JPEG, PNG, WebP or GIF file."),
            code="cover_unreadable",
        ) from error


def _refuse_many_pixels(picture: Image.Image) -> None:
    # Known from the header: refused before a small file can unfold into gigabytes.
    if picture.width * picture.height > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> ValidationError:
    return ValidationError(
        _("This picture has more than 40 megapixels. Choose a smaller one."),
        code="cover_too_many_pixels",
    )


def _encoded(picture: Image.Image, size: int) -> bytes:
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, "WEBP", quality=82, exif=b"", icc_profile=b"", xmp=b"")
    return buffer.getvalue()


class CoverFile(ImageFieldFile):
    """A stored cover with a small rendition beside it."""

    def save(self, name: str, content: File, save: bool = True) -> None:
        super().save(name, content, save=False)
        content.seek(0)
        with Image.open(content) as picture:
            small = _encoded(picture.copy(), SMALL_SIZE)
        self.storage.save(small_name(str(self.name)), ContentFile(small))
        if save:
            self.instance.save()

    save.alters_data = True  # type: ignore[attr-defined]

    @property
    def small_url(self) -> str:
        """Where the small rendition is, for cards."""
        return self.storage.url(small_name(str(self.name)))


class CoverField(models.ImageField):
    """An ImageField whose files are those of `clean_cover`."""

    attr_class = CoverFile

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """To the database it is an ImageField, so a migration need not know of it."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.ImageField", args, kwargs
