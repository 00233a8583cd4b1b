"""What organisers do with their events (SPEC 2). The admin's history shows it as well."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.core.files.base import File as DjangoFile
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from ninja import File, Status
from ninja.files import UploadedFile

from accounts.models import User
from evento.http.problem import Invalid
from evento.http.routing import refuses
from events import services
from events.api.common import managed_event, person, router, shown
from events.fields import cover_of
from events.history import note_addition, note_change, note_deletion
from events.models import Category, Event
from events.permissions import may_create_events
from events.schemas import MINUTE, CancellationInput, EventChanges, EventInput, EventOutput

# The API's names of an event's fields where they are others.
NAMES = {"online_url": "link", "duration": "duration_minutes", NON_FIELD_ERRORS: "cover"}


@router.post(
    "/events",
    response={201: EventOutput},
    summary="Create an event",
    openapi_extra=refuses("start_in_past"),
)
def create_event(request: HttpRequest, response: HttpResponse, asked: EventInput) -> Status:
    """Create an event, published at once unless `status` is `draft`. For organisers by class and staff.

    `date`, `time` and `ends_at` follow from what is given.
    """
    creator = _may_create(request)
    event = Event(**_fields(asked.model_dump(exclude={"status"})))
    with _told_by_field():
        event = services.create_event(event, creator=creator, publish=asked.status == "published")
    note_addition(event, creator, [{"added": {}}])
    return _created(request, response, event)


@router.patch(
    "/events/{slug:slug}",
    response=EventOutput,
    summary="Change an event",
    openapi_extra=refuses(
        "start_frozen", "capacity_below_taken", "event_cancelled", "event_archived"
    ),
)
def change_event(request: HttpRequest, slug: str, asked: EventChanges) -> dict[str, Any]:
    """Change what is given, all or nothing; the same value again is no change.

    The start of a published event never changes: copy it as a new draft instead. Holders are told of a new
    place, link or duration.
    """
    event = managed_event(request, slug)
    changes = _fields(asked.model_dump(exclude_unset=True))
    with _told_by_field():
        changed = services.change_event(event, changes=changes, by=person(request))
    _note_fields(changed, person(request), changes)
    return shown(request, changed)


@router.delete(
    "/events/{slug:slug}",
    response={204: None},
    summary="Delete a draft",
    openapi_extra=refuses("not_a_draft"),
)
def delete_event(request: HttpRequest, slug: str) -> Status:
    """Delete a draft for good. What is published is cancelled instead, and archived later."""
    event = managed_event(request, slug)
    services.delete_draft(event)
    note_deletion(event, person(request))
    return Status(204, None)


@router.post(
    "/events/{slug:slug}/publish",
    response=EventOutput,
    summary="Publish a draft",
    openapi_extra=refuses("not_a_draft", "start_in_past"),
)
def publish_event(request: HttpRequest, slug: str) -> dict[str, Any]:
    """Make a draft public. Its start is fixed from then on."""
    event = services.publish_event(managed_event(request, slug), by=person(request))
    note_change(event, person(request), _("Published."))
    return shown(request, event)


@router.post(
    "/events/{slug:slug}/cancel",
    response=EventOutput,
    summary="Cancel an event",
    openapi_extra=refuses("not_published", "event_ended"),
)
def cancel_event(
    request: HttpRequest,
    slug: str,
    asked: CancellationInput | None = None,
) -> dict[str, Any]:
    """Cancel a published event that has not ended. It cannot be undone: every ticket becomes void, and
    everybody concerned is told. Cancelling again changes nothing.
    """
    event = managed_event(request, slug)
    reason = asked.reason if asked else ""
    cancelled = services.cancel_event(event, by=person(request), reason=reason)
    if not event.is_cancelled:
        note_change(cancelled, person(request), _("Cancelled."))
    return shown(request, cancelled)


@router.post(
    "/events/{slug:slug}/archive",
    response=EventOutput,
    summary="Archive an event",
    openapi_extra=refuses("not_archivable"),
)
def archive_event(request: HttpRequest, slug: str) -> dict[str, Any]:
    """Take a past or cancelled event out of every list and public page. Holders keep their ticket."""
    event = managed_event(request, slug)
    archived = services.archive_event(event)
    if event.archived_at is None:
        note_change(archived, person(request), _("Archived."))
    return shown(request, archived)


@router.post(
    "/events/{slug:slug}/copy", response={201: EventOutput}, summary="Copy an event as a draft"
)
def copy_event(request: HttpRequest, response: HttpResponse, slug: str) -> Status:
    """A new draft with the same particulars, which I organise: the way out of a wrong date.

    For organisers by class and staff.
    """
    event = managed_event(request, slug)
    copy = services.copy_event(event, by=_may_create(request))
    note_addition(copy, person(request), _("Copied."))
    return _created(request, response, copy)


# --- The cover ----------------------------------------------------------------------------------------


@router.post(
    "/events/{slug:slug}/cover",
    response=EventOutput,
    summary="Set the cover picture",
    openapi_extra=refuses("event_cancelled", "event_archived"),
)
def set_cover(request: HttpRequest, slug: str, cover: File[UploadedFile]) -> dict[str, Any]:
    """Upload a picture as `multipart/form-data`: JPEG, PNG, WebP or GIF, up to 10 MB.

    It is stored anew, without the details that are hidden in the file.
    """
    event = managed_event(request, slug)
    with _told_by_field():
        picture = cover_of(cover)
    return _set_cover(request, event, picture)


@router.delete(
    "/events/{slug:slug}/cover",
    response=EventOutput,
    summary="Remove the cover picture",
    openapi_extra=refuses("event_cancelled", "event_archived"),
)
def remove_cover(request: HttpRequest, slug: str) -> dict[str, Any]:
    """The event's page shows a drawn one from then on."""
    return _set_cover(request, managed_event(request, slug), "")


def _may_create(request: HttpRequest) -> User:
    if not may_create_events(request.user):
        raise PermissionDenied
    return person(request)


def _created(request: HttpRequest, response: HttpResponse, event: Event) -> Status:
    response["Location"] = reverse("api:get_event", args=[event.slug])
    return Status(201, shown(request, event))


def _fields(asked: dict[str, Any]) -> dict[str, Any]:
    """What was asked for as fields of an event. Raises Invalid for an unknown category."""
    fields = dict(asked)
    if "link" in fields:
        fields["online_url"] = fields.pop("link")
    if "duration_minutes" in fields:
        fields["duration"] = fields.pop("duration_minutes") * MINUTE
    if fields.get("category") is not None:
        category = Category.objects.filter(slug=fields["category"]).first()
        if category is None:
            message = _("There is no such category. See GET /api/v1/categories.")
            raise Invalid.field("category", message, code="unknown_category")
        fields["category"] = category
    return fields


@contextmanager
def _told_by_field() -> Iterator[None]:
    """Raise Invalid for what a service or a validator finds wrong."""
    try:
        yield
    except ValidationError as error:
        raise Invalid.model(error, names=NAMES) from error


def _set_cover(request: HttpRequest, event: Event, picture: DjangoFile | str) -> dict[str, Any]:
    changes = {"cover": picture}
    changed = services.change_event(event, changes=changes, by=person(request))
    _note_fields(changed, person(request), changes)
    return shown(request, changed)


def _note_fields(event: Event, by: User, changes: dict[str, Any]) -> None:
    if changes:
        fields = [Event._meta.get_field(name) for name in sorted(changes)]
        names = [str(capfirst(field.verbose_name)) for field in fields]  # type: ignore[union-attr]
        note_change(event, by, [{"changed": {"fields": names}}])
