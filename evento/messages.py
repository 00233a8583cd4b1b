"""Django's messages, kept in a cookie as they stand: they are a sentence, which is not worth compressing."""

from typing import Any

from django.contrib.messages.storage import cookie, fallback
from django.contrib.messages.storage.session import SessionStorage
from django.core.signing import Signer

SHORT_CHARACTERS = 500


class CookieStorage(cookie.CookieStorage):
    """To set up the compression takes longer than all else that a message costs."""

    signer: Signer  # the stubs do not know it, nor how parts are encoded

    def _encode_parts(self, messages: list[str], encode_empty: bool = False) -> str | None:
        if not messages or sum(map(len, messages)) > SHORT_CHARACTERS:
            return super()._encode_parts(messages, encode_empty)  # type: ignore[misc]
        gather: Any = cookie.MessagePartGatherSerializer
        return self.signer.sign_object(messages, serializer=gather)


class Storage(fallback.FallbackStorage):
    storage_classes = (CookieStorage, SessionStorage)
