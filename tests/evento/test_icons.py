"""Icons are pictures of one sprite, and nothing to who cannot see them."""

from django.template import engines

SVG = (
    '<svg class="icon{}" aria-hidden="true" focusable="false">'
    '<use href="/static/img/icons.svg#{}"></use></svg>\n'
)


def drawn(source, **context):
    return engines["django"].from_string(source).render(context)


def test_icon_is_a_picture_of_the_sprite():
    assert drawn('{% icon "bell" %}') == SVG.format("", "bell")
    assert drawn('{% icon shown.icon size="sm" %}', shown={"icon": "sun"}) == SVG.format(
        " icon-sm", "sun"
    )


def test_name_of_an_icon_is_escaped():
    assert drawn("{% icon name %}", name='"><b>') == SVG.format("", "&quot;&gt;&lt;b&gt;")
