"""Barcodes as a browser draws them, read by an independent decoder (SPEC 3)."""

import base64
import io

import pytest
from PIL import Image

from tests.tickets.scanning import scanned
from tests.tickets.test_barcode import CODES
from tickets.barcode import barcode_svg

pytestmark = pytest.mark.browser


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
    assert [scanned(strip) for strip in strips] == [[code] for code in CODES]
