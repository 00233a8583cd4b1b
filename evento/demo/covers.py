"""Cover pictures as an organiser might upload them: a landscape of hills under a sun."""

import io
import math
import random

from PIL import Image, ImageDraw

from events.cover_art import PALETTES

SIZE = 900
SMOOTHING = 2  # Pillow draws hard edges: paint larger, then shrink
HILLS = 4


def landscape(rng: random.Random) -> bytes:
    """A WebP file of SIZE by SIZE pixels, drawn from the random numbers of `rng` alone."""
    colours = rng.choice(PALETTES)
    side = SIZE * SMOOTHING
    picture = Image.new("RGB", (side, side), colours.pale)
    brush = ImageDraw.Draw(picture)
    centre = (side * rng.uniform(0.25, 0.75), side * rng.uniform(0.2, 0.4))
    brush.circle(centre, side * rng.uniform(0.09, 0.17), fill=colours.bright)
    tones = [colours.second, colours.bright, colours.second, colours.ground]
    for n in range(HILLS):
        brush.polygon(_hill(rng, n, side), fill=tones[n % len(tones)])
    with io.BytesIO() as file:
        picture.resize((SIZE, SIZE), Image.Resampling.BOX).save(file, "WEBP", quality=82)
        return file.getvalue()


def _hill(rng: random.Random, n: int, side: int) -> list[tuple[float, float]]:
    level = side * (0.48 + 0.13 * n)
    waves = [
        (rng.uniform(0.02, 0.07) * side, rng.uniform(0.7, 2.4), rng.uniform(0, 7)) for _ in "ab"
    ]
    crest = []
    for step in range(121):
        x = side * step / 120
        lift = sum(
            height * math.sin(speed * 2 * math.pi * x / side + at) for height, speed, at in waves
        )
        crest.append((x, level + lift))
    return [(0, side), *crest, (side, side)]
