"""An API of the same frame as Evento's, with operations made for its tests."""

from typing import cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.urls import include, path
from ninja import Query, Status
from pydantic import Field, StrictInt

from accounts.models import User
from evento.database import Busy
from evento.http import problem
from evento.http.auth import PUBLIC, SIGNED_IN
from evento.http.openapi import API
from evento.http.pagination import keyset_page
from evento.http.parsing import JSONParser
from evento.http.problem import Invalid
from evento.http.routing import Router, refuses
from evento.http.schemas import Input, Moment, Output, PageOutput, PageQuery, omittable, page_of
from evento.http.throttling import RateLimit
from evento.refusals import Refusal

router = Router(tags=["Sample"])


class ThingInput(Input):
    name: str = Field(max_length=20)
    size: StrictInt = Field(1, ge=1, le=10)
    starts_at: Moment | None = None
    note: str = omittable(max_length=5)


class ThingOutput(Output):
    name: str
    who: str


class PersonOutput(Output):
    id: UUID


class People(PageOutput):
    items: list[PersonOutput]


@router.post("/things", response={201: ThingOutput}, summary="Make", openapi_extra=refuses("full"))
def make_thing(request: HttpRequest, asked: ThingInput) -> Status:
    if asked.name == "full":
        raise Refusal("full", "There is no room.")
    return Status(201, {"name": asked.name, "who": cast("User", request.user).username})


@router.get("/public", response=ThingOutput, summary="Read", auth=PUBLIC)
def read_public(request: HttpRequest) -> dict[str, str]:
    who = request.user.username if request.user.is_authenticated else "nobody"
    return {"name": "sample", "who": who}


@router.get("/people", response=People, summary="List")
def list_people(request: HttpRequest, page: Query[PageQuery]) -> dict[str, object]:
    return page_of(
        keyset_page(User.objects.all(), fields=["id"], cursor=page.cursor, size=page.limit)
    )


@router.get("/things/{slug:slug}", response=ThingOutput, summary="Fail", auth=PUBLIC)
def fail(request: HttpRequest, slug: str) -> None:
    errors = {
        "unknown": Http404("No Event matches the given query."),
        "hidden": Refusal("not_yours", "Somebody else's.", status=404),
        "forbidden": PermissionDenied("secret"),
        "busy": Busy(),
        "invalid": Invalid.field("name", "Not that one.", code="unlucky"),
    }
    raise errors.get(slug, RuntimeError("a mistake of ours"))


api = API(
    title="Sample",
    version="1",
    urls_namespace="sample",
    auth=SIGNED_IN,
    throttle=[RateLimit()],
    parser=JSONParser(),
    parts=[],
)
problem.install(api)
api.add_router("", router)

urlpatterns = [path("api/v1/", api.urls), path("", include("evento.urls"))]
