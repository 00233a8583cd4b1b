"""One request cannot fill the disk."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evento import uploads

URL = "/accounts/login/"


@pytest.mark.django_db
def test_request_above_the_limit_is_refused_before_it_is_read(client, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_REQUEST_BYTES", 1000)

    small = client.post(URL, {"file": SimpleUploadedFile("a", b"x" * 100)})
    large = client.post(URL, {"file": SimpleUploadedFile("a", b"x" * 2000)})

    assert small.status_code == 200
    assert large.status_code in {400, 413}
