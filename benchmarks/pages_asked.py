"""The statements of pages: run by `benchmarks.footprint`; paths and cookies in, counts out, as JSON."""

import json
import sys

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402


def statements(path: str, cookie: str) -> int:
    """Asked the second time: the first loads what a process keeps."""
    client = Client(SERVER_NAME="localhost", headers={"cookie": cookie})
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return len(queries)


def main() -> None:
    print(json.dumps([statements(path, cookie) for path, cookie in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
