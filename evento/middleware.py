"""What stands around every request."""

from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware as DjangosSessionMiddleware
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from evento.database import Busy, is_conflict
from evento.http import problem
from evento.refusals import Refusal


class RefusalMiddleware:
    """Answers what a view let through: a Refusal with its sentence, a busy database with 503."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if problem.is_api(request):
            return problem.of_exception(error)
        if isinstance(error, Refusal):
            template = "404.html" if error.status == 404 else "409.html"
            return render(request, template, {"message": error.message}, status=error.status)
        if isinstance(error, Busy) or (isinstance(error, OperationalError) and is_conflict(error)):
            return _busy(request)
        return None


class ApiErrorMiddleware:
    """Gives errors under /api/ that were made for browsers (404, 405, 500, ...) the API's shape."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or not problem.is_api(request) or problem.has_shape(response):
            return response
        if response.status_code >= 500 and settings.DEBUG:
            return response  # Django's page with the traceback
        return problem.in_place_of(response)


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """django-csp's, which builds the policy of every answer anew, twice; nearly all have the same one.

    Those get it as the settings had it at the start; a report-only policy or excluded addresses there would
    be passed over.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._usual = build_policy()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        changed = any(name.startswith("_csp_") for name in vars(response))
        if settings.DEBUG or changed or "_csp_nonce" in vars(request):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._usual)
        return response


class SessionMiddleware(DjangosSessionMiddleware):
    """Django's; a database too busy to save the session, after the view, is a 503 as well."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except OperationalError as error:
            if not is_conflict(error):
                raise
            return _busy(request)


def _busy(request: HttpRequest) -> HttpResponse:
    response = render(request, "503.html", status=503)
    response["Retry-After"] = str(Busy.retry_after_seconds)
    return response
