import re
from uuid import UUID

import pytest

from events.cover_art import PALETTES, SHAPES, Palette, cells, cover_svg
from tests.events.factories import CategoryFactory, EventFactory

ONE = UUID("1b671a64-40d5-491e-99b0-da01ff1f3341")
TWO = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
FIRST_OF_ONE = ("#d2475c", "corner", "#fdf1d5", 1)


def test_svg_same_event_same_bytes():
    assert cover_svg(ONE, "books", "event-cover") == cover_svg(ONE, "books", "event-cover")


def test_svg_other_event_other_picture():
    assert cover_svg(ONE, "books") != cover_svg(TWO, "books")


def test_svg_is_frozen_for_ever():
    """A change here redraws the covers of all events there are."""
    first = next(cells(ONE, "books"))

    assert (first.ground, first.shape, first.colour, first.turns) == FIRST_OF_ONE


def test_svg_keeps_to_the_policy():
    svg = cover_svg(ONE, "books", "event-cover")

    assert "style" not in svg
    assert 'aria-hidden="true"' in svg
    assert 'class="event-cover"' in svg


@pytest.mark.parametrize(("category", "palette"), [("outdoors", 0), ("books", 1), ("workshops", 2)])
def test_palette_follows_the_category(category, palette):
    used = set(re.findall(r"#[0-9a-f]{6}", cover_svg(ONE, category)))

    colours = PALETTES[palette]
    assert used <= {colours.ground, colours.second, colours.bright, colours.pale}


def test_common_categories_have_palettes_of_their_own():
    common = "outdoors books workshops talks music technology food community film sport"

    grounds = {frozenset(cell.ground for cell in cells(ONE, name)) for name in common.split()}

    assert len(grounds) == 10


def test_every_shape_and_palette_is_drawn_somewhere():
    drawn = [cell for n in range(200) for cell in cells(UUID(int=n))]

    assert {cell.shape for cell in drawn} == set(SHAPES)
    assert {cell.ground for cell in drawn} >= {palette.ground for palette in PALETTES}
    assert all(isinstance(palette, Palette) for palette in PALETTES)


@pytest.mark.django_db
def test_list_draws_a_cover_for_an_event_without_a_picture(client):
    EventFactory(category=CategoryFactory(slug="books"))

    page = client.get("/").content.decode()

    assert '<svg class="event-cover"' in page


@pytest.mark.django_db
def test_uploaded_cover_is_shown_lazily_in_the_list_and_with_its_size(client):
    event = EventFactory(cover="covers/a.webp")

    card = client.get("/").content.decode()
    page = client.get(event.get_absolute_url()).content.decode()

    image = f'<img class="event-cover" src="{event.cover.small_url}" width="168" height="146"'
    assert f'{image} alt="" loading="lazy">' in card
    assert '<img class="event-page-cover" src="/media/covers/a.webp" width="680"' in page
    assert 'property="og:image" content="http://localhost:8000/media/covers/a.webp"' in page
