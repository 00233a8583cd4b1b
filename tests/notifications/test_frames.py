"""Words of mails that are rendered once: nobody's own are kept, and no template can mix people up."""

import pytest
from django.utils import translation

from notifications import frames
from notifications.frames import AskedTooMuch, Gapped
from notifications.kinds import Letter

HOSTILE = "<script>alert('{{ x }}')</script> %s %(a)s {% x %} \"Zoë\" & 🦉\r\n\0 \\1"


@pytest.fixture
def written(settings):
    """The words of a mail by templates a test writes: of the subject, the text and the HTML."""

    def write(html="", *, text="", subject="", shared=("Owls",), **own):
        templates = {"t_subject.txt": subject, "t_message.txt": text, "t_message.html": html}
        settings.TEMPLATES = [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", templates)]},
            }
        ]
        names = {name.replace("__", "."): value for name, value in own.items()}
        return frames.words("t", Letter(shared, _variables), names)

    frames._frame.cache_clear()
    yield write
    frames._frame.cache_clear()


def _variables(shared):
    return {"title": shared[0]}


def kept():
    return frames._frame.cache_info().currsize


def test_values_stand_in_every_part_escaped_in_html_alone(written):
    show = "{{ person.name }}|{{ link }}"

    words = written(show, text=show, subject=show, person__name=HOSTILE, link="/a?b&c")

    escaped = "&lt;script&gt;alert(&#x27;{{ x }}&#x27;)&lt;/script&gt; %s %(a)s {% x %} "
    assert words.html == f"{escaped}&quot;Zoë&quot; &amp; 🦉\r\n\0 \\1|/a?b&amp;c"
    assert words.text == f"{HOSTILE}|/a?b&c\n"
    assert words.subject == " ".join(f"{HOSTILE}|/a?b&c".replace("\0", " ").split())


def test_each_reader_has_their_own_words_of_one_frame(written):
    said = [
        written("{{ title }} {{ person.name }}", person__name=name).html for name in ("Ada", "Zoë")
    ]

    assert said == ["Owls Ada", "Owls Zoë"]
    assert kept() == 1


def test_value_that_looks_like_a_mark_is_said_as_it_is(written, monkeypatch):
    marks = iter(["first-mark", "second-mark"])
    monkeypatch.setattr(frames.secrets, "token_hex", lambda _length: next(marks))

    words = written("{{ one }} {{ two }} {{ one }}", one="second-mark", two="first-mark")

    assert words.html == "second-mark first-mark second-mark"


def test_marks_are_drawn_anew_for_each_frame(written, monkeypatch):
    drawn = []
    draw = frames.secrets.token_hex
    monkeypatch.setattr(
        frames.secrets, "token_hex", lambda length: drawn.append(draw(length)) or drawn[-1]
    )

    for title in ("Owls", "Bats"):
        written("{{ title }} {{ one }} {{ two }}", shared=(title,), one="1", two="2")

    assert len(set(drawn)) == 4
    assert {len(mark) for mark in drawn} == {32}


def test_what_is_not_there_is_asked_about_and_missing(written):
    html = "{% if link %}<a>{{ link }}</a>{% else %}none{{ link }}{% endif %}"

    assert written(html, link="").html == "none"
    assert written(html, link="/x").html == "<a>/x</a>"


@pytest.mark.parametrize(
    "html",
    [
        "{{ person.email }}",
        "{{ person }}",
        "{{ person.name.upper }}",
        "{{ person.name.0 }}",
        "{% if person.is_staff %}Hello{% endif %}",
        "{% if person.is_staff and title %}Hello{% endif %}",
        "{% if not title or person.email == 'a@example.org' %}Hello{% endif %}",
        "{% if person.name == 'Ada' %}Hello{% endif %}",
        "{% if 'Ada' in person.name %}Hello{% endif %}",
        "{% if person.name > 'B' and title %}Hello{% endif %}",
        "{{ person.name|length }}",
        "{{ person.name|first }}",
        "{{ person.name|add:'x' }}",
        "{{ person.name|dictsort:'x' }}",
        "{% for letter in person.name %}{{ letter }}{% endfor %}",
        "{% with x=person.date_joined %}{{ x }}{% endwith %}",
        "{% widthratio person.name 1 1 %}",
    ],
)
def test_template_that_asks_for_more_than_to_show_it_writes_no_mail(written, html):
    with pytest.raises(AskedTooMuch):
        written(html, person__name="Ada")

    assert kept() == 0


@pytest.mark.parametrize("what", ["shared", "site", "language", "names"])
def test_whatever_differs_has_a_frame_of_its_own(written, settings, translated, what):
    html = "{{ site_name }} {{ site_url }} {% load i18n %}{% translate 'Yes' %} {{ title }}"
    before = written(html, link="/x").html

    if what == "shared":
        after = written(html, shared=("Bats",), link="/x").html
        assert after == before.replace("Owls", "Bats")
    if what == "site":
        settings.SITE_NAME, settings.SITE_URL = "Other", "https://other.example"
        assert written(html, link="/x").html == "Other https://other.example Yes Owls"
    if what == "language":
        with translation.override("de"):
            assert written(html, link="/x").html == before.replace("Yes", "Ja")
    if what == "names":
        written(html)
    assert kept() == 2


def test_nothing_of_a_person_is_kept(written, monkeypatch):
    made = []

    def noted(*facts):
        made.append(facts)
        return Gapped(*facts)

    monkeypatch.setattr(frames, "Gapped", noted)

    written("{{ person.name }}", text="{{ link }}", person__name="Zoë", link="/zoe")

    assert len(made) == 3
    assert "Zoë" not in str(made)
    assert "/zoe" not in str(made)


def test_so_many_frames_are_kept_and_no_more(written):
    for number in range(frames.KEPT + 1):
        written("{{ title }}", shared=(number,))

    assert kept() == frames.KEPT
