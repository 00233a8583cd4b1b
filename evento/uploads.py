"""How much one request may upload, whoever sends it."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

# Well above a cover's 10 MB, so that a photo that is too large still meets the form's own sentence;
# low enough that strangers (any page reads what is posted to it) cannot fill the disk.
MAX_REQUEST_BYTES = 50 * 1024 * 1024


class UploadLimit(FileUploadHandler):
    """Stands first among the handlers, refuses too large a request unread, and leaves the rest to them."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Mapping[str, Any],  # noqa: N803 - Django's own name
        content_length: int,
        boundary: Any,  # bytes, whatever the stubs say
        encoding: str | None = None,
    ) -> None:
        """Raises RequestDataTooBig, which is answered with 400 or 413."""
        if content_length > MAX_REQUEST_BYTES:
            raise RequestDataTooBig

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
