"""Links to pages that many answers hold."""

from django.urls import get_script_prefix, reverse


class PageAddress:
    """The address of a page about one thing, for which Django looks through the site's addresses once."""

    def __init__(self, name: str, example: str) -> None:
        """`name` is the page's; `example` is of the kind of value that it takes: a slug, an id."""
        self._name = name
        self._example = example
        self._around: dict[str, tuple[str, str]] = {}  # by the prefix of the site's addresses

    def of(self, value: object) -> str:
        """That page's address; `value` is a slug or an id, of which nothing has to be escaped."""
        prefix = get_script_prefix()
        if prefix not in self._around:
            address = reverse(self._name, args=[self._example])
            before, _example, after = address.rpartition(self._example)
            self._around[prefix] = before, after
        before, after = self._around[prefix]
        return f"{before}{value}{after}"
