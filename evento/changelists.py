"""Lists of the admin that cost the same however many rows there are."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest

from evento.http.pagination import BadCursor, Page, keyset_page

AFTER = "after"


class EndlessChangeList(ChangeList):
    """One page of an EndlessListAdmin."""

    is_endless = True
    next_cursor = ""
    after = ""

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        wanted = super().get_filters_params(params)
        wanted.pop(AFTER, None)
        return wanted

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Whatever else is asked for begins on the first page."""
        return super().get_query_string(new_params, [*(remove or []), AFTER])

    def get_results(self, request: HttpRequest) -> None:
        self.after = self.params.pop(AFTER, "")  # nor does the search form send it on
        try:
            page = self._page(self.after)
        except BadCursor:
            self.after = ""
            page = self._page("")
        self.next_cursor = page.next_cursor
        self.result_list = page.rows
        self.result_count = len(page.rows)
        self.paginator = Paginator(page.rows, self.list_per_page)
        self.full_result_count = None
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False

    def _page(self, cursor: str) -> Page[Any]:
        """Raises BadCursor."""
        fields = cast("EndlessListAdmin", self.model_admin).newest_by
        return keyset_page(
            self.queryset, fields=fields, newest_first=True, cursor=cursor, size=self.list_per_page
        )

    @property
    def is_whole(self) -> bool:
        """Whether this page holds all there is, so that it can be counted."""
        return not self.after and not self.next_cursor

    @property
    def first_url(self) -> str:
        return self.get_query_string()

    @property
    def next_url(self) -> str:
        return self.get_query_string({AFTER: self.next_cursor})


class EndlessListAdmin(admin.ModelAdmin):
    """Lists the newest rows first, page by page as far as one likes. Nothing is counted, nothing sorted anew.

    `newest_by` says by which fields; an index has to go by them.
    """

    newest_by: tuple[str, ...]
    sortable_by = ()

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [f"-{name}" for name in self.newest_by]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EndlessChangeList]:
        return EndlessChangeList
