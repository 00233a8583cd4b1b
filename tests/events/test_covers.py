"""Cover pictures are checked, stripped and re-encoded; files that nobody uses go (SPEC 2)."""

import zlib
from io import BytesIO
from struct import pack

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from events import covers
from events.covers import clean_cover, small_name
from events.models import Event
from events.services import change_event, copy_event, create_event, delete_draft
from tests.events.factories import EventFactory


def encoded(image, kind="PNG", **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def upload(data, name="me at home.png"):
    return SimpleUploadedFile(name, data, content_type="image/png")


def picture(size=(40, 30), colour=(200, 30, 30), mode="RGB"):
    return Image.new(mode, size, colour)


def opened(cover):
    cover.seek(0)
    return Image.open(cover)


def png_header_claiming(width, height):
    """A tiny PNG file whose header says that it unfolds into width x height pixels."""

    def chunk(kind, data):
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_cover_of_each_accepted_kind_becomes_webp_under_a_random_name(kind):
    first = clean_cover(upload(encoded(picture(), kind)))
    second = clean_cover(upload(encoded(picture(), kind)))

    assert opened(first).format == "WEBP"
    assert opened(first).size == (40, 30)
    assert "home" not in first.name
    assert first.name != second.name


def test_cover_larger_than_needed_is_shrunk_in_proportion():
    cover = clean_cover(upload(encoded(picture((3200, 800)))))

    assert opened(cover).size == (1600, 400)


def test_cover_loses_metadata_and_keeps_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "my street"
    data = encoded(picture((40, 20)), "JPEG", exif=exif.tobytes(), comment=b"my street")

    cover = clean_cover(upload(data))

    assert opened(cover).size == (20, 40)
    assert dict(opened(cover).getexif()) == {}
    assert b"my street" in data
    assert b"my street" not in cover.read()


def test_cover_of_an_animation_is_its_first_frame():
    frames = [picture(colour=(255, 0, 0)), picture(colour=(0, 0, 255))]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    cover = opened(clean_cover(upload(data)))

    assert getattr(cover, "n_frames", 1) == 1
    assert cover.convert("RGB").getpixel((5, 5))[0] > 200


def test_cover_keeps_transparency():
    cover = opened(clean_cover(upload(encoded(picture(colour=(0, 0, 0, 0), mode="RGBA")))))

    assert cover.convert("RGBA").getpixel((5, 5))[3] == 0


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html><script>alert(1)</script></html>",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
        encoded(picture((400, 400)), "JPEG")[:300],
        encoded(picture(), "BMP"),
        encoded(picture(), "TIFF"),
    ],
    ids=["svg", "html", "broken", "cut off", "bmp", "tiff"],
)
def test_cover_that_is_no_accepted_picture_is_refused(data):
    with pytest.raises(ValidationError) as refused:
        clean_cover(upload(data))

    assert refused.value.code == "cover_unreadable"


@pytest.mark.parametrize(("width", "height"), [(8000, 5001), (20_000, 20_000), (60_000, 60_000)])
def test_cover_with_too_many_pixels_is_refused_from_its_header(width, height):
    with pytest.raises(ValidationError) as refused:
        clean_cover(upload(png_header_claiming(width, height)))

    assert refused.value.code == "cover_too_many_pixels"


def test_cover_file_larger_than_the_limit_is_refused(monkeypatch):
    data = encoded(picture())
    monkeypatch.setattr(covers, "MAX_BYTES", len(data) - 1)

    with pytest.raises(ValidationError) as refused:
        clean_cover(upload(data))

    assert refused.value.code == "cover_too_large"


@pytest.fixture
def with_cover(event, organiser):
    return change_event(
        event, changes={"cover": clean_cover(upload(encoded(picture())))}, by=organiser
    )


def kept(name):
    return [default_storage.exists(file) for file in (name, small_name(name))]


def test_stored_cover_has_a_small_rendition(event, organiser):
    cover = clean_cover(upload(encoded(picture((1000, 500)))))

    stored = change_event(event, changes={"cover": cover}, by=organiser)

    with default_storage.open(small_name(stored.cover.name)) as file:
        assert Image.open(file).size == (480, 240)
    assert stored.cover.small_url.endswith("-small.webp")


def test_replaced_cover_is_removed_after_the_commit(
    with_cover, organiser, django_capture_on_commit_callbacks
):
    old = with_cover.cover.name
    new = clean_cover(upload(encoded(picture())))

    with django_capture_on_commit_callbacks() as callbacks:
        changed = change_event(with_cover, changes={"cover": new}, by=organiser)
    before = kept(old)
    for callback in callbacks:
        callback()

    assert before == [True, True]
    assert kept(old) == [False, False]
    assert kept(changed.cover.name) == [True, True]


def test_removed_cover_goes_and_leaves_no_name(
    with_cover, organiser, django_capture_on_commit_callbacks
):
    old = with_cover.cover.name

    with django_capture_on_commit_callbacks(execute=True):
        changed = change_event(with_cover, changes={"cover": ""}, by=organiser)

    assert not changed.cover
    assert kept(old) == [False, False]


def test_cover_that_a_copy_uses_stays(with_cover, organiser, django_capture_on_commit_callbacks):
    copy = copy_event(with_cover, by=organiser)

    with django_capture_on_commit_callbacks(execute=True):
        delete_draft(copy)

    assert kept(with_cover.cover.name) == [True, True]


def test_cover_of_a_deleted_draft_goes(organiser, django_capture_on_commit_callbacks):
    draft = EventFactory.build(cover=clean_cover(upload(encoded(picture()))))
    draft = create_event(draft, creator=organiser, publish=False)

    with django_capture_on_commit_callbacks(execute=True):
        delete_draft(draft)

    assert kept(draft.cover.name) == [False, False]
    assert not Event.objects.filter(pk=draft.pk).exists()


def test_cover_is_served_for_ever_and_as_nothing_but_a_picture(client, with_cover):
    for url in (with_cover.cover.url, with_cover.cover.small_url):
        response = client.get(url)

        assert response.status_code == 200
        assert response["Content-Type"] == "image/webp"
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "Vary" not in response
        assert Image.open(BytesIO(b"".join(response.streaming_content))).format == "WEBP"


@pytest.mark.parametrize(
    "path",
    ["", "../secret_key", "x.webp", f"{'0' * 32}.webp", f"{'0' * 32}.html", "%2e%2e/secret_key"],
)
def test_media_serves_nothing_but_covers(client, db, path):
    assert client.get(f"/media/covers/{path}").status_code == 404
