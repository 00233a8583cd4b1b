"""Django's sessions, in the database or a cache before it, looked up by a statement that is built once."""

from django.conf import settings
from django.contrib.sessions.backends import cached_db, db
from django.contrib.sessions.models import Session
from django.utils import timezone

from evento.statements import Lookup

SESSIONS = Lookup(Session.objects.all, "session_key")


class SessionStore(cached_db.SessionStore if settings.REDIS_URL else db.SessionStore):  # type: ignore[misc]
    """Nearly every request of somebody who is signed in loads one."""

    def _validate_session_key(self, key: str | None) -> bool:
        # A cookie can hold anything: what no session is called (NUL, say) never reaches the database.
        if not super()._validate_session_key(key):
            return False
        return key is not None and key.isascii() and key.isalnum()

    def _get_session_from_db(self) -> Session | None:
        session = SESSIONS.find(self.session_key)
        if session is None or session.expire_date <= timezone.now():
            self._session_key = None
            return None
        return session
