"""The answer to an error that nobody expected: 500, or 503 when it was the database that was away."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults

from evento.database import is_outage
from evento.http import problem

RETRY_AFTER_SECONDS = 30


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`, called while the error is being handled; Django has logged it by itself.

    Neither answer asks the database for anything.
    """
    error = sys.exc_info()[1]
    if error is None or not is_outage(error):
        return defaults.server_error(request)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if problem.is_api(request):
        detail = _(
            "The site cannot use its database right now. Try again in a minute. Whether your last "
            "change was made is not known: ask, or send it again."
        )
        return problem.answer(503, code="unavailable", detail=detail, headers=headers)
    page = render_to_string("503.html", {"is_outage": True})
    return HttpResponse(page, status=503, headers=headers)
