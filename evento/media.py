"""Uploaded covers, for an installation without a proxy that serves files (docs: in production it may)."""

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

# Covers are named at random for each upload and never rewritten, so a copy is good for ever.
CACHE_CONTROL = "public, max-age=31536000, immutable"


@require_safe
def cover(request: HttpRequest, name: str) -> FileResponse:
    """A stored cover. The route admits our own names only, so nothing else on the disk is reachable."""
    try:
        file = default_storage.open(f"covers/{name}")
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(file, content_type="image/webp")
    response["Cache-Control"] = CACHE_CONTROL
    response["X-Content-Type-Options"] = "nosniff"
    return response
