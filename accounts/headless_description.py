"""What the API's description says of `accounts.headless`: allauth's own words, as part of ours.

allauth describes every feature it has, in OpenAPI 3.0, for two kinds of client. Here stay the addresses
that this site answers, in 3.1, with our limits, under names of their own.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from allauth.headless.spec.internal.schema import (
    specify_custom_signup_form,
    specify_signup_fields,
    specify_user,
)
from django.urls import Resolver404, resolve, reverse

Document = dict[str, Any]

PREFIX = "Auth"
REF = "#/components/"
METHODS = ("get", "post", "put", "patch", "delete")
# allauth's tags, by what somebody looks for.
TAGS = {
    "Account: Email": "E-mail address",
    "Account: Password": "Password",
    "Authentication: Password Reset": "Password",
    "Account: 2FA": "Second factor",
    "Account: WebAuthn": "Second factor",
    "Authentication: 2FA": "Second factor",
    "Authentication: WebAuthn: Login": "Second factor",
    "Sessions": "Devices",
}
OTHERS_TAG = "Sign-in"
USER_ID = "6f8f57a5-1d3c-4f5e-9a57-0f7f1a4a3f53"
LOGIN = {
    "type": "object",
    "properties": {
        "email": {"$ref": f"{REF}schemas/Email"},
        "password": {"$ref": f"{REF}schemas/Password"},
    },
    "required": ["email", "password"],
}
REFRESH_TOKEN = {
    "type": "string",
    "description": "Gives a new access token when this one has ended. Works once.",
}
# Answers that any of these operations may give, beside those that allauth describes.
NOT_SIGNED_IN = "AuthenticationOrReauthentication"
USUAL_ANSWERS = {
    "401": f"{PREFIX}{NOT_SIGNED_IN}",
    "410": f"{PREFIX}SessionGone",
    "429": f"{PREFIX}TooManyRequests",
    "503": "Busy",
}
BODY_ANSWERS = {"400": f"{PREFIX}Error", "413": "TooLarge", "415": "UnsupportedMediaType"}
PROBLEM = {"application/problem+json": {"schema": {"$ref": f"{REF}schemas/Problem"}}}
TOO_MANY = {
    "description": "Too many tries or calls. `Retry-After` says how many seconds to wait.",
    "headers": {"Retry-After": {"schema": {"type": "integer", "minimum": 0}}},
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "status": {"type": "integer", "enum": [429]},
                    "errors": {"type": "array", "items": {"type": "object"}},
                },
                "required": ["status"],
            }
        },
    }
    | PROBLEM,
}


def describe(document: Document) -> None:
    """Add the addresses under /auth to the API's `document`, with the components that they need."""
    spec = deepcopy(_allauths_own())
    paths = {
        address: {
            method: _operation(address, method, item[method], alone=len(item) == 1)
            for method in METHODS
            if method in item
        }
        for address, item in _answered_here(spec["paths"])
    }
    document["paths"] |= paths
    for section, name in sorted(_needed(paths, spec["components"])):
        component = spec["components"][section][name]
        document["components"].setdefault(section, {})[name] = component


@cache
def _allauths_own() -> Document:
    source = files("allauth.headless.spec") / "doc" / "openapi.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = source.read_text(encoding="utf-8")
    # Both loaders are safe ones.
    spec: Document = yaml.load(text, Loader=loader)  # noqa: S506 # nosec B506
    specify_user(spec)
    specify_signup_fields(spec)
    specify_custom_signup_form(spec)
    components = spec["components"]
    schemas = components["schemas"]
    schemas["Login"] = LOGIN
    schemas["Signup"] = _merged(schemas["Signup"]["allOf"], schemas)
    schemas["BaseAuthenticationMeta"]["properties"]["refresh_token"] = REFRESH_TOKEN
    for body in components["requestBodies"].values():
        body["required"] = True
        for media in body["content"].values():
            _close(media["schema"], schemas)
    _correct(spec)
    spec = _prefixed(_in_3_1(spec))
    responses = spec["components"]["responses"]
    responses[f"{PREFIX}TooManyRequests"] = TOO_MANY
    responses[f"{PREFIX}Error"]["content"] |= PROBLEM
    return spec


def _correct(spec: Document) -> None:
    """What allauth's description leaves out, or says anew each time."""
    spec["components"]["schemas"]["User"]["properties"]["id"]["example"] = USER_ID
    spec["components"]["examples"]["User"]["value"]["id"] = USER_ID
    schemas = spec["components"]["schemas"]
    schemas["Flow"]["properties"]["id"]["enum"].append("mfa_login_webauthn")
    schemas["AuthenticationMeta"]["allOf"][1]["properties"]["is_authenticated"]["nullable"] = True
    either = spec["components"]["responses"][NOT_SIGNED_IN]["content"]["application/json"]["schema"]
    either["anyOf"] = either.pop("oneOf")
    account = "/_allauth/{client}/v1/account"
    for path, name in (
        (f"{account}/password/change", "AuthenticatedByPassword"),
        (f"{account}/authenticators/recovery-codes", "RecoveryCodes"),
    ):
        answers = spec["paths"][path]["post"]["responses"]
        answers["200"] = {"$ref": f"{REF}responses/{name}"}


def _prefixed(spec: Document) -> Document:
    """Give every component a name that none of ours has."""
    for holder in _holders(spec):
        section, name = holder["$ref"].removeprefix(REF).split("/")
        holder["$ref"] = f"{REF}{section}/{PREFIX}{name}"
    for section, components in spec["components"].items():
        spec["components"][section] = {f"{PREFIX}{name}": each for name, each in components.items()}
    return spec


def _merged(parts: list[Document], schemas: Document) -> Document:
    """One schema for several that all hold: a reader may then know every field there is."""
    merged: Document = {"type": "object", "properties": {}, "required": []}
    for part in (_resolved(part, schemas) for part in parts):
        merged["properties"] |= part["properties"]
        merged["required"] += part.get("required", [])
    return merged


def _resolved(schema: Document, schemas: Document) -> Document:
    return schemas[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema


def _close(schema: Document, schemas: Document) -> None:
    """Say of a body that unknown fields are refused."""
    body = _resolved(schema, schemas)
    if "properties" in body:
        body["additionalProperties"] = False


def _in_3_1(node: Any) -> Any:
    """`node` without what OpenAPI 3.1 left behind; texts that wait for a language, as text."""
    if isinstance(node, list):
        return [_in_3_1(each) for each in node]
    if not isinstance(node, dict):
        return node if node is None or isinstance(node, int | float) else str(node)
    node = {str(name): _in_3_1(each) for name, each in node.items()}
    if node.pop("nullable", False):
        return {"anyOf": [node, {"type": "null"}]}
    is_schema = "schema" not in node and ("type" in node or "$ref" in node)
    if is_schema and "example" in node and not isinstance(node["example"], dict):
        node["examples"] = [node.pop("example")]
    return node


def _answered_here(paths: Document) -> Iterator[tuple[str, Document]]:
    root = reverse("headless:app:config").removesuffix("config")
    for path, item in paths.items():
        address = path.replace("{client}", "app").replace("/_allauth/app/v1/", root)
        try:
            resolve(address)
        except Resolver404:
            continue
        yield address, item


def _operation(address: str, method: str, operation: Document, *, alone: bool) -> Document:
    tail = address.rpartition("/v1/")[2]
    words = tail.replace("/", "_").replace("-", "_")
    operation["operationId"] = words if alone else f"{method}_{words}"
    operation["tags"] = [TAGS.get(operation["tags"][0], OTHERS_TAG)]
    operation["parameters"] = [
        each
        for each in operation.get("parameters", [])
        if not each.get("$ref", "").endswith(f"/{PREFIX}Client")
    ]
    signed_in: list[Document] = [{"AccessToken": []}]
    needs_sign_in = (
        tail.startswith("account/") or "reauthenticate" in tail or tail == "auth/sessions"
    )
    operation["security"] = signed_in if needs_sign_in else [*signed_in, {}]
    usual = USUAL_ANSWERS | (BODY_ANSWERS if "requestBody" in operation else {})
    operation["responses"] = {
        status: {"$ref": f"{REF}responses/{name}"} for status, name in usual.items()
    } | operation["responses"]
    operation["responses"]["401"] = {"$ref": f"{REF}responses/{PREFIX}{NOT_SIGNED_IN}"}
    if "content" in operation["responses"].get("400", {}):
        operation["responses"]["400"]["content"] |= PROBLEM
    return operation


def _holders(node: Any) -> Iterator[Document]:
    """Everything in `node` that refers to a component."""
    if isinstance(node, list):
        for each in node:
            yield from _holders(each)
    elif isinstance(node, dict):
        if str(node.get("$ref", "")).startswith(REF):
            yield node
        for each in node.values():
            yield from _holders(each)


def _needed(paths: Document, components: Document) -> set[tuple[str, str]]:
    """Section and name of the components that `paths` refer to, and of those that these refer to."""
    needed: set[tuple[str, str]] = set()
    waiting: list[Any] = [paths]
    while waiting:
        for holder in _holders(waiting.pop()):
            section, name = holder["$ref"].removeprefix(REF).split("/")
            component = components[section].get(name)  # None: one of ours
            if component is not None and (section, name) not in needed:
                needed.add((section, name))
                waiting.append(component)
    return needed
