"""Covers drawn from an event's id, so that no event looks empty: the same everywhere and for ever.

A cover is a grid of four by four cells, each a shape on a ground; the palette follows the category.
"""

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

GRID = 4
# Chosen so that outdoors, books, workshops, talks, music, technology, food, community, film and sport
# each have a palette of their own, the first three those of the first pictures.
SALT = b"94831:"


@dataclass(frozen=True)
class Palette:
    """Two grounds, and two colours for what stands on them."""

    ground: str
    second: str
    bright: str
    pale: str


PALETTES = (
    Palette("#225f4b", "#f08b4b", "#c5e478", "#f6f4ea"),
    Palette("#f2c14e", "#d2475c", "#fdf1d5", "#2f3c5b"),
    Palette("#2b1d5c", "#9381ff", "#ff7d57", "#ffd26a"),
    Palette("#123a68", "#ff9f1c", "#5ed1ff", "#f5f0dc"),
    Palette("#7a2048", "#f7a9a0", "#ffd9c7", "#408e91"),
    Palette("#0f4c4a", "#e9c46a", "#f4f1de", "#e76f51"),
    Palette("#d9dccb", "#3a5a9b", "#e4572e", "#17223b"),
    Palette("#f4b6c2", "#5b3a82", "#ffe9a8", "#2c8c7c"),
    Palette("#34495a", "#a7d0cd", "#f9e7c4", "#e2725b"),
    Palette("#b5c99a", "#31572c", "#fefae0", "#dd7f36"),
)


@dataclass(frozen=True)
class Cell:
    """One cell: where, its ground, and its shape (empty: none) with its colour and its quarter turns."""

    column: int
    row: int
    ground: str
    shape: str
    colour: str
    turns: int
    inner: str


# Quarters are the commonest, as in a tiled wall; plain cells let the eye rest.
SHAPES = ("quarter",) * 6 + ("ring",) * 3 + ("disc",) * 2 + ("corner",) * 3 + ("",) * 2


def _palette(event_id: UUID, category: str) -> Palette:
    key = category.encode() or event_id.bytes
    return PALETTES[hashlib.sha256(SALT + key).digest()[0] % len(PALETTES)]


def cells(event_id: UUID, category: str = "") -> Iterator[Cell]:
    """The cells of the cover of an event, row by row; `category` is a slug or empty."""
    colours = _palette(event_id, category)
    draws = hashlib.sha512(event_id.bytes).digest()
    for n in range(GRID * GRID):
        first, second, third = draws[3 * n : 3 * n + 3]
        ground, other = colours.ground, colours.second
        if first % 5 < 2:
            ground, other = other, ground
        bright = (other, colours.bright, colours.bright, other, colours.pale)[second % 5]
        yield Cell(
            column=n % GRID,
            row=n // GRID,
            ground=ground,
            shape=SHAPES[third % len(SHAPES)],
            colour=bright,
            turns=(second // 8) % 4,
            inner=ground,
        )


def _svg_shape(cell: Cell) -> str:
    x, y = cell.column, cell.row
    if cell.shape == "ring":
        return (
            f'<circle cx="{x}.5" cy="{y}.5" r=".5" fill="{cell.colour}"/>'
            f'<circle cx="{x}.5" cy="{y}.5" r=".2" fill="{cell.inner}"/>'
        )
    if cell.shape == "disc":
        return f'<circle cx="{x}.5" cy="{y}.5" r=".3" fill="{cell.colour}"/>'
    edge = "A1 1 0 0 0" if cell.shape == "quarter" else "L"
    corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)]
    centre, start, end = (corners[(cell.turns + n) % 4] for n in (0, 3, 1))
    path = f"M{centre[0]} {centre[1]}L{start[0]} {start[1]}{edge} {end[0]} {end[1]}z"
    return f'<path d="{path}" fill="{cell.colour}"/>'


# Some 2 KB each, for the events that are looked at; drawing one takes a tenth of its card's time.
@functools.lru_cache(maxsize=1000)
def cover_svg(event_id: UUID, category: str = "", css_class: str = "") -> str:
    """The cover as an SVG element, for a page under a strict policy: presentation attributes only.

    It is decoration: hidden from screen readers. `css_class` is ours, never a person's.
    """
    size = f'viewBox="0 0 {GRID} {GRID}" preserveAspectRatio="xMidYMid slice"'
    drawn = list(cells(event_id, category))
    # All grounds first and sharp-edged, so that no seam shows between two of the same colour.
    grounds = [
        f'<path d="M{cell.column} {cell.row}h1v1h-1z" fill="{cell.ground}"/>' for cell in drawn
    ]
    shapes = [_svg_shape(cell) for cell in drawn if cell.shape]
    return (
        f'<svg class="{css_class}" {size} aria-hidden="true" focusable="false">'
        f'<g shape-rendering="crispEdges">{"".join(grounds)}</g>{"".join(shapes)}</svg>'
    )
