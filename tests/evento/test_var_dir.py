"""VAR_DIR holds whatever has to be kept, so that a container writes to one folder only."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = """
from django.conf import settings
print(settings.DATABASES["default"]["NAME"], settings.MEDIA_ROOT, settings.MAIL_FILES_DIR)
print(settings.STATIC_ROOT)
"""


def paths(**environment):
    unset = {"DATABASE_URL": "", "SECRET_KEY": "", "DJANGO_SETTINGS_MODULE": "evento.settings"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=os.environ | unset | environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_what_is_kept_lies_in_it_and_static_files_stay_with_the_code(tmp_path):
    folder = tmp_path / "kept"

    kept, static = paths(VAR_DIR=str(folder))

    assert kept == f"{folder}/evento.sqlite3 {folder}/media {folder}/mail"
    assert static == str(ROOT / "var" / "static")
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600


def test_relative_one_is_meant_from_the_code(tmp_path):
    relative = os.path.relpath(tmp_path, ROOT)

    [kept, _static] = paths(VAR_DIR=relative)

    assert kept.startswith(str(ROOT / relative))


def test_same_folder_has_the_same_key_again(tmp_path):
    paths(VAR_DIR=str(tmp_path))
    key = (tmp_path / "secret_key").read_text()

    paths(VAR_DIR=str(tmp_path))

    assert (tmp_path / "secret_key").read_text() == key
