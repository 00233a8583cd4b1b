"""The API's own description: names, error answers, and what other parts add to it."""

import re
from collections.abc import Callable
from functools import cached_property
from http import HTTPStatus
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from evento.http.auth import Visitor
from evento.http.problem import CONTENT_TYPE, STATUSES, Problem

Document = dict[str, Any]

SLUG = "^[-a-zA-Z0-9_]+$"  # Django's path converter
METHODS_THAT_CHANGE = {"post", "put", "patch", "delete"}
ERRORS = {
    400: ("BadRequest", "The request could not be read."),
    401: ("NotSignedIn", "There is no access token, or it is valid no longer."),
    403: ("Forbidden", "The person may not do this, or the CSRF token of a session is missing."),
    404: ("NotFound", "There is no such thing, or it is not for this person to know."),
    409: ("Refused", "A rule refuses it; `code` says which. Nothing has changed."),
    413: ("TooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The body is not `application/json`."),
    422: ("Invalid", "A field is missing, unknown or wrong; `errors` says which."),
    429: ("TooManyRequests", "Too many calls. `Retry-After` says how many seconds to wait."),
    503: ("Busy", "Too much is going on. `Retry-After` says how many seconds to wait."),
}
RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}


class API(NinjaAPI):
    """ninja's API; its description also has the error answers, and the parts that others bring."""

    def __init__(self, *, parts: list[Callable[[Document], None]], **options: Any) -> None:
        """`parts` are called with the finished description, to add to it."""
        super().__init__(**options)
        self._parts = parts

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: Document | None = None
    ) -> OpenAPISchema:
        """The whole description. It never changes while a process runs, so it is made once."""
        return self._description

    @cached_property
    def _description(self) -> OpenAPISchema:
        document = _Schema(self, self.get_root_path({}))
        document["components"]["schemas"] |= _problem_schemas()
        document["components"]["responses"] = {
            name: _response(status, says) for status, (name, says) in ERRORS.items()
        }
        for path, methods in document["paths"].items():
            methods.pop("head", None)
            for method, operation in methods.items():
                _describe_errors(path, method, operation)
        for add in self._parts:
            add(document)
        for methods in document["paths"].values():
            for operation in methods.values():
                answers = {str(status): each for status, each in operation["responses"].items()}
                operation["responses"] = dict(sorted(answers.items()))
        return document


class Docs(Swagger):
    """Swagger UI in the site's own frame, from the site's own files."""

    template = "api/docs.html"


class _Schema(OpenAPISchema):
    def operation_parameters(self, operation: Operation) -> list[Document]:
        parameters = super().operation_parameters(operation)
        slugs = re.findall(r"{slug:(\w+)}", operation.path)
        for each in parameters:
            if each["in"] == "path" and each["name"] in slugs:
                each["schema"]["pattern"] = SLUG
        return parameters

    def operation_security(self, operation: Operation) -> list[Document] | None:
        security = super().operation_security(operation)
        if any(isinstance(auth, Visitor) for auth in operation.auth_callbacks):
            return [*(security or []), {}]  # {}: without any
        return security


def _problem_schemas() -> Document:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return schema.pop("$defs") | {"Problem": schema}


def _response(status: int, says: str) -> Document:
    code, detail = STATUSES.get(status, ("event_full", "The event is full."))
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": str(detail),
        "errors": [],
    }
    response: Document = {
        "description": says,
        "content": {
            CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
    }
    if status in (429, 503):
        response["headers"] = {"Retry-After": RETRY_AFTER}
    return response


def _describe_errors(path: str, method: str, operation: Document) -> None:
    """Add the error answers that follow from what an operation is."""
    changes = method in METHODS_THAT_CHANGE
    statuses = {401, 422, 429, 503}
    if changes or {} not in operation["security"]:
        statuses.add(403)
    if "{" in path or any(each["name"] == "cursor" for each in operation["parameters"]):
        statuses.add(404)
    if changes:
        statuses.add(409)
    if "requestBody" in operation:
        statuses |= {400, 413, 415}
    for status in sorted(statuses):
        name = ERRORS[status][0]
        ref = {"$ref": f"#/components/responses/{name}"}
        operation["responses"].setdefault(status, ref)
    if refusals := operation.pop("x-refusals", None):
        codes = ", ".join(f"`{code}`" for code in refusals)
        operation["description"] = f"{operation.get('description', '')}\n\nRefuses with: {codes}."
