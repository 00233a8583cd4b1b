"""Links to pages that many answers hold."""

import functools

from django.urls import get_script_prefix, reverse


class PageAddress:
    """The address of a page about one thing, for which Django looks through the site's addresses once."""

    def __init__(self, name: str, example: str) -> None:
        """`name` is the page's; `example` is of the kind of value that it takes: a slug, an id."""
        self._name = name
        self._example = example

    def of(self, value: object) -> str:
        """That page's address; `value` is a slug or an id, of which nothing has to be escaped."""
        before, after = self._around
        return f"{get_script_prefix()}{before}{value}{after}"

    @functools.cached_property
    def _around(self) -> tuple[str, str]:
        address = reverse(self._name, args=[self._example]).removeprefix(get_script_prefix())
        before, _value, after = address.partition(self._example)
        return before, after
