"""Secrets at rest: TOTP keys and the seed of recovery codes (SPEC 1)."""

import base64

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"evento.accounts.second-factor"


def encrypt(text: str) -> str:
    """`text` as it may lie in the database, readable with this site's SECRET_KEY alone."""
    return _box().encrypt(text.encode()).decode("ascii")


def decrypt(sealed: str) -> str:
    """What `encrypt` was given, also under a key that has moved to SECRET_KEY_FALLBACKS.

    Raises cryptography.fernet.InvalidToken when no key opens it.
    """
    return _box().decrypt(sealed.encode("ascii")).decode()


def _box() -> MultiFernet:
    return MultiFernet(
        [Fernet(_derive(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


def _derive(key: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE)
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
