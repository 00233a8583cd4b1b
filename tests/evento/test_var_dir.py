"""VAR_DIR holds whatever has to be kept, so that a container writes to one folder only."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from evento import settings as settings_module

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


def test_those_who_start_at_the_same_first_moment_share_one_key(tmp_path, monkeypatch):
    at_once = 8
    together = Barrier(at_once)

    def start(_number):
        together.wait()
        return settings_module.embedded_secret_key()

    with ThreadPoolExecutor(at_once) as pool:
        for number in range(100):
            folder = tmp_path / str(number)
            monkeypatch.setattr(settings_module, "VAR_DIR", folder)
            keys = list(pool.map(start, range(at_once)))

            assert len(set(keys)) == 1
            assert len(keys[0]) >= 64
            assert [path.name for path in folder.iterdir()] == ["secret_key"]
