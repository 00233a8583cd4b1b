"""The API's description: valid, whole, and as committed in docs/openapi.json (`make openapi` renews it)."""

import json
import re
from pathlib import Path

import openapi_spec_validator
import pytest
from django.urls import URLPattern, get_resolver
from django.utils.html import escape

from evento.api import api
from evento.http.auth import PUBLIC

SNAPSHOT = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document():
    """The description as a client reads it."""
    return json.loads(json.dumps(api.get_openapi_schema()))


def operations(document):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def ours(document):
    """Our own operations, without allauth's."""
    return {
        name: operation
        for name, operation in operations(document).items()
        if "/api/v1/auth/" not in name
    }


def test_description_is_what_was_committed(document):
    committed = json.loads(SNAPSHOT.read_text(encoding="utf-8"))

    assert document == committed, "The API has changed. If that is meant: make openapi"


def test_description_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)


def test_description_is_served(program, document):
    answer = program.call("GET", "/openapi.json")

    assert answer.json() == document
    assert (
        program.call("GET", "/openapi.json", headers={"If-None-Match": answer["ETag"]}).status_code
        == 304
    )


def test_documentation_page_is_of_this_site_alone(client, db):
    html = client.get("/api/v1/docs").content.decode()

    assert 'data-url="/api/v1/openapi.json"' in html
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]+', html) == []


def test_documentation_page_names_every_operation_without_javascript(client, db, document):
    html = client.get("/api/v1/docs").content.decode()
    without_javascript = html.partition("<noscript>")[2].partition("</noscript>")[0]

    for name, operation in operations(document).items():
        assert f"<dt><code>{name}</code></dt>" in without_javascript
        assert escape(operation["summary"]) in without_javascript


def test_documentation_page_gives_a_csrf_token_to_those_who_need_one(client, attendee):
    visitor = client.get("/api/v1/docs").content.decode()
    client.force_login(attendee)
    signed_in = client.get("/api/v1/docs").content.decode()

    assert "data-csrf-token" not in visitor
    assert "data-csrf-token" in signed_in


def test_every_operation_says_what_it_is(document):
    tags = {tag["name"] for tag in document["tags"]}

    for name, operation in operations(document).items():
        assert operation["summary"], name
        assert len(operation["tags"]) == 1, name
        assert operation["tags"][0] in tags, name
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", operation["operationId"]), name
    for name, operation in ours(document).items():
        assert operation["description"], name


def test_operation_ids_are_unique(document):
    ids = [operation["operationId"] for operation in operations(document).values()]

    assert len(ids) == len(set(ids))


def test_every_operation_says_how_it_fails(document):
    for name, operation in ours(document).items():
        answers = operation["responses"]
        assert {"401", "422", "429", "503"} <= set(answers), name
        if "{" in name:
            assert "404" in answers, name
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= set(answers), name
        assert any(status.startswith("2") for status in answers), name


def test_every_operation_says_who_may_call_it(document):
    allowed = ({"AccessToken": []}, {"SessionCookie": []}, {})
    for name, operation in operations(document).items():
        assert {"AccessToken": []} in operation["security"], name
        assert all(each in allowed for each in operation["security"]), name
    assert {} in operations(document)["POST /api/v1/auth/app/v1/auth/login"]["security"]
    assert {} not in operations(document)["GET /api/v1/me"]["security"]


def test_every_error_answer_is_a_problem(document):
    for name, answer in document["components"]["responses"].items():
        if not name.startswith("Auth"):
            (schema,) = [media["schema"] for media in answer["content"].values()]
            assert list(answer["content"]) == ["application/problem+json"], name
            assert schema == {"$ref": "#/components/schemas/Problem"}, name


def resolved(document, schema):
    """The schema itself behind a reference, or behind "this or null"."""
    while "$ref" in schema or "anyOf" in schema:
        if "anyOf" in schema:
            schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
        else:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def bodies(document):
    for name, operation in ours(document).items():
        for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
            yield name, media_type, resolved(document, media["schema"])


def test_every_body_refuses_unknown_fields_and_shows_an_example(document):
    for name, media_type, body in bodies(document):
        fields = body["properties"]
        shown = {name for name, field in fields.items() if has_example(document, field)}
        assert media_type != "application/json" or body["additionalProperties"] is False, name
        assert media_type != "application/json" or shown, name
        assert media_type != "application/json" or set(body.get("required", [])) <= shown, name


def has_example(document, field):
    return "examples" in field or "examples" in resolved(document, field)


def test_no_text_or_number_of_a_request_is_without_bounds(document):
    for name, operation in ours(document).items():
        for each in operation["parameters"]:
            if each["in"] != "path":  # an address has an end of its own
                assert is_bounded(resolved(document, each["schema"])), (name, each["name"])
    for name, _media_type, body in bodies(document):
        for field, schema in body["properties"].items():
            assert is_bounded(resolved(document, schema)), (name, field)


def is_bounded(schema):
    if schema.get("type") == "string":
        known = {"format", "enum", "const", "pattern", "maxLength", "contentMediaType"}
        return bool(known & set(schema))
    if schema.get("type") in {"integer", "number"}:
        return {"minimum", "maximum"} <= set(schema)
    if schema.get("type") == "array":
        return "maxItems" in schema
    return True


def described(resolver=None, prefix="/"):
    """The addresses that are answered below /api/v1/, as the description writes them."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            yield from described(pattern, route)
        elif route.startswith("/api/v1/"):
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def test_every_address_is_described(document):
    undescribed = {"/api/v1/", "/api/v1/docs", "/api/v1/openapi.json"}

    assert set(described()) - undescribed == set(document["paths"])


def test_visitors_operations_are_the_public_ones(document):
    public = {name for name, operation in ours(document).items() if {} in operation["security"]}
    routed = {
        f"{method} /api/v1{path}"
        for router in api._get_bound_routers()
        for path, view in router.path_operations.items()
        for operation in view.operations
        if list(operation.auth_callbacks) == PUBLIC
        for method in operation.methods
        if method != "HEAD"
    }

    assert public == {re.sub(r"{\w+:(\w+)}", r"{\1}", name) for name in routed}
