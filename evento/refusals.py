"""A refusal: a code for programs and a sentence for people."""

from datetime import timedelta

from django.utils.functional import Promise


class Refusal(Exception):
    """A rule said no. Nothing of the refused request has been applied.

    `code` is stable and for programs; `message` is a (lazily translated) sentence for people that says
    what happened and what to do; `status` is the HTTP status a face answers with; `retry_after`, where a
    limit refuses, is how long until the same may be asked again.
    """

    def __init__(
        self,
        code: str,
        message: str | Promise,
        *,
        status: int = 409,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.message)
