"""Barcodes as a browser draws them, read by an independent decoder (SPEC 3)."""

import base64
import io

import pytest
import zxingcpp
from PIL import Image

from tickets.barcode import barcode_svg
from tickets.models import random_code

pytestmark = pytest.mark.browser

CODES = [random_code() for _n in range(100)]


def decoded(picture):
    """The Code 128 codes that the decoder finds in `picture`, and nothing else."""
    found = zxingcpp.read_barcodes(picture.convert("L"))
    assert {it.format for it in found} <= {zxingcpp.BarcodeFormat.Code128}
    return [it.text for it in found]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_svg_of_100_tickets_is_read_back(new_context, colours):
    page = new_context(color_scheme=colours, viewport={"width": 360, "height": 800}).new_page()
    sources = [
        f"data:image/svg+xml;base64,{base64.b64encode(barcode_svg(it)).decode()}" for it in CODES
    ]
    page.set_content(
        "<style>body{margin:0}img{display:block}</style>"
        + "".join(f'<img src="{it}">' for it in sources)
    )

    shot = Image.open(io.BytesIO(page.screenshot(full_page=True)))

    height = shot.height // len(CODES)
    strips = [shot.crop((0, n * height, shot.width, (n + 1) * height)) for n in range(len(CODES))]
    assert [decoded(strip) for strip in strips] == [[code] for code in CODES]
