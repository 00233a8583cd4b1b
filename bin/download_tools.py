"""Usage: download_tools.py FOLDER NAME...

Puts kubectl or terraform into FOLDER, as their makers publish them, and compares each with the sum that
they publish beside it. No registry of packages has them in a version that is new enough.
"""

import hashlib
import io
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
KUBECTL = f"https://dl.k8s.io/release/v1.33.4/bin/linux/{MACHINE}/kubectl"
TERRAFORM = "https://releases.hashicorp.com/terraform/1.11.4/terraform_1.11.4"
ZIPPED = f"{TERRAFORM}_linux_{MACHINE}.zip"
# Where each is, and where its sum: alone, or in a list of names.
SOURCES = {
    "kubectl": (KUBECTL, f"{KUBECTL}.sha256"),
    "terraform": (ZIPPED, f"{TERRAFORM}_SHA256SUMS"),
}


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the addresses above
        return bytes(answer.read())


def published_sum(text: str, url: str) -> str:
    """The sum of the file at `url` from what its maker says: a sum alone, or lines of sum and name."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    name = url.rpartition("/")[2]
    return next(line[0] for line in lines if len(line) == 1 or line[1] == name)


def download(name: str, folder: Path) -> None:
    """Put the program there, ready to run. Raises SystemExit with a sentence when it is another one."""
    url, sums = SOURCES[name]
    content = get(url)
    if hashlib.sha256(content).hexdigest() != published_sum(get(sums).decode(), url):
        sys.exit(f"{url} is not what its maker published.")
    if url.endswith(".zip"):
        content = zipfile.ZipFile(io.BytesIO(content)).read(name)
    target = folder / name
    target.write_bytes(content)
    target.chmod(0o755)


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        try:
            download(wanted, Path(sys.argv[1]))
        except OSError as error:
            sys.exit(
                f"{wanted} could not be downloaded ({error}). Install it: it is needed on the PATH."
            )
