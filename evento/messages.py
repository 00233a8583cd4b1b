"""Django's messages, kept in a cookie as they stand: they are a sentence, which is not worth compressing."""

from collections.abc import Callable
from typing import Any

from django.contrib.messages.storage import cookie, fallback
from django.contrib.messages.storage.session import SessionStorage
from django.core.signing import Signer
from django.http import HttpResponseBase

SHORT_CHARACTERS = 500


class CookieStorage(cookie.CookieStorage):
    """To set up compression, and to measure what is sure to fit, takes longer than all else of a message."""

    # The stubs do not know these, nor how messages are stored.
    signer: Signer
    _update_cookie: Callable[[str, HttpResponseBase], None]

    def _store(
        self, messages: list[Any], response: HttpResponseBase, *arguments: Any, **options: Any
    ) -> list[Any]:
        texts = cookie.MessagePartSerializer().dumps(messages)
        if not texts or sum(map(len, texts)) > SHORT_CHARACTERS:
            return super()._store(messages, response, *arguments, **options)  # type: ignore[misc]
        gather: Any = cookie.MessagePartGatherSerializer
        self._update_cookie(self.signer.sign_object(texts, serializer=gather), response)
        return []


class Storage(fallback.FallbackStorage):
    storage_classes = (CookieStorage, SessionStorage)
