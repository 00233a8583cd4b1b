"""A new SECRET_KEY keeps second factors readable while the old one is named as a fallback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import InvalidToken

from accounts.encryption import decrypt, encrypt

ROOT = Path(__file__).resolve().parent.parent.parent


def test_old_key_opens_what_it_sealed_until_it_is_no_longer_named(settings):
    settings.SECRET_KEY = "old-key"
    sealed = encrypt("JBSWY3DPEHPK3PXP")

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new-key", ["old-key"]
    assert decrypt(sealed) == "JBSWY3DPEHPK3PXP"

    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(InvalidToken):
        decrypt(sealed)


def test_fallback_keys_come_from_the_environment():
    program = "from django.conf import settings; print(settings.SECRET_KEY_FALLBACKS)"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "evento.settings",
        "SECRET_KEY_FALLBACKS": "one,two",
    }

    printed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert printed.stdout.strip() == "['one', 'two']"
