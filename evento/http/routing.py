"""The router that every app's `api.py` uses: ninja's, with the habits of this API built in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import ninja
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.decorators import decorate_view
from ninja.operation import Operation

from evento.http.conditional import conditional
from evento.http.problem import Invalid

View = Callable[..., Any]


class Router(ninja.Router):
    """A GET answers HEAD as well, is conditional, and an unknown query parameter is refused everywhere."""

    def add_api_operation(
        self, path: str, methods: list[str], view_func: View, **options: Any
    ) -> None:
        if "GET" in methods:
            methods = [*methods, "HEAD"]
        super().add_api_operation(path, methods, view_func, **options)
        operation: Operation = view_func._ninja_operation  # type: ignore[attr-defined]  # noqa: SLF001
        operation.view_func = _refusing_unknown_query(view_func, _query_names(operation))
        decorate_view(conditional)(view_func)


def refuses(*codes: str) -> dict[str, Any]:
    """`openapi_extra` that names the refusals (409) of an operation."""
    return {"x-refusals": list(codes)}


def _query_names(operation: Operation) -> set[str]:
    return {
        name
        for model in operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }


def _refusing_unknown_query(view: View, known: set[str]) -> View:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        for name in request.GET:
            if name not in known:
                message = _("This address knows no such parameter.")
                raise Invalid.field(name, message, code="extra_forbidden", within="query")
        return view(request, *args, **kwargs)

    return checked
