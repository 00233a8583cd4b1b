"""What answers at `/live/` where no stream is: Django's own server, and others that speak WSGI only."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@require_safe
@never_cache
def no_stream(request: HttpRequest) -> HttpResponse:
    """204, which tells a browser not to ask again (WHATWG HTML 9.2.3). Pages are right without a stream.

    Under evento/asgi.py the stream's own application answers, and this is never reached.
    """
    return HttpResponse(status=204)
