"""A ticket's code as Code 128, always dark on white with its quiet zone (SPEC 3).

python-barcode works out the bars; they are drawn here, because its SVG writer puts style attributes
into the file, which the site's Content-Security-Policy blocks, and its PNG writer rounds widths.
"""

import io
from itertools import groupby
from typing import Any

from barcode import Code128
from PIL import Image

# The standard asks for ten modules of white on either side.
QUIET_ZONE = 10
HEIGHT = 58  # modules; about a third of the width, easy to hit for a hand-held scanner
# 2 pixels a module already decode; 4 leave room for a mail program that scales pictures down.
PNG_MODULE_PIXELS = 4
PNG_DPI = 300
DARK, WHITE = 0, 1


class DigitsCode128(Code128):
    """Code 128 that stays in set C. The library's own shortening of the start takes a first pair of
    digits 99 for the sign "change to set C" and drops it: another code's bars.
    """

    def _try_to_optimize(self, encoded: list[Any]) -> list[Any]:
        return encoded


def bars(code: str) -> str:
    """The modules of `code` from its first bar to its last, as "1" (dark) and "0" (white).

    `code` is an even number of digits, as tickets.models.random_code makes it.
    """
    return DigitsCode128(code).build()[0]


def barcode_svg(code: str) -> bytes:
    """An SVG file that scales with its box: one path, presentation attributes only."""
    modules = bars(code)
    width = len(modules) + 2 * QUIET_ZONE
    path, position = [], QUIET_ZONE
    for module, run in groupby(modules):
        length = len(list(run))
        if module == "1":
            path.append(f"M{position} 0h{length}v{HEIGHT}h-{length}z")
        position += length
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * width}" height="{2 * HEIGHT}" '
        f'viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>'
        f'<path fill="#000" d="{"".join(path)}"/></svg>'
    ).encode()


def barcode_png(code: str) -> bytes:
    """A black and white PNG file whose bars are whole pixels."""
    quiet = [WHITE] * QUIET_ZONE
    row = [*quiet, *(DARK if module == "1" else WHITE for module in bars(code)), *quiet]
    line = Image.new("1", (len(row), 1))
    line.putdata(row)
    size = (len(row) * PNG_MODULE_PIXELS, HEIGHT * PNG_MODULE_PIXELS)
    picture = line.resize(size, Image.Resampling.NEAREST)
    file = io.BytesIO()
    picture.save(file, format="PNG", dpi=(PNG_DPI, PNG_DPI), optimize=True)
    return file.getvalue()
