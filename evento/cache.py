"""The cache in a table, where there is no Redis: what limits are counted by, and codes that were used."""

import base64
import pickle
import random
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends import db
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

INSERT = "INSERT INTO {table} (cache_key, value, expires) VALUES (%s, %s, %s) ON CONFLICT (cache_key) DO "
SET = f"{INSERT} UPDATE SET value = excluded.value, expires = excluded.expires"
ADD = f"{INSERT} NOTHING"
# Not as a condition of SET: that locks an entry also where it leaves it, and whoever adds in vain within a
# transaction would keep the others from deleting it.
REPLACE_EXPIRED = (
    "UPDATE {table} SET value = %s, expires = %s WHERE cache_key = %s AND expires < %s"
)
# One write in so many makes room, by chance: no process lives too short for it.
WRITES_PER_ROOM = 1000
NOBODYS_KEY = "evento.cache.nobodys"
NEVER = datetime.max  # noqa: DTZ901 - as Django stores it


class DatabaseCache(db.DatabaseCache):
    """Django's, with one statement for a write instead of five, of which one counted all entries.

    There come to be MAX_ENTRIES of them, most of them expired, and a sign-in writes ten times. A write that
    the database refuses is an error here, and not quietly left out. MAX_ENTRIES is gone beyond by
    WRITES_PER_ROOM, on the average.
    """

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(table, params)
        self._name = table

    def set(
        self,
        key: str,
        value: object,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        """Store it, whatever is there. Raises DatabaseError."""
        self._execute(SET, *self._entry(key, value, timeout, version))

    def add(
        self,
        key: str,
        value: object,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Store it unless something is there that has not expired; whether it did. Raises DatabaseError."""
        key, pickled, expires = self._entry(key, value, timeout, version)
        now = self._as_stored(timezone.now())
        return self._execute(ADD, key, pickled, expires) or self._execute(
            REPLACE_EXPIRED, pickled, expires, key, now
        )

    def _entry(
        self, key: str, value: object, timeout: float | None, version: int | None
    ) -> tuple[str, str, Any]:
        """What its row holds."""
        ends = self.get_backend_timeout(timeout)
        return (
            self.make_and_validate_key(key, version=version),
            base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode(),
            self._as_stored(NEVER if ends is None else datetime.fromtimestamp(ends, UTC)),
        )

    def _as_stored(self, moment: datetime) -> Any:
        return self._connection.ops.adapt_datetimefield_value(moment.replace(microsecond=0))

    def _execute(self, statement: str, *values: Any) -> bool:
        """Whether it changed an entry. Makes room now and then."""
        if random.randrange(WRITES_PER_ROOM) == 0:  # noqa: S311
            self.touch(NOBODYS_KEY)  # one of Django's writes, which look for room first
        connection = self._connection
        with connection.cursor() as cursor:
            cursor.execute(statement.format(table=connection.ops.quote_name(self._name)), values)
            return bool(cursor.rowcount)

    @property
    def _connection(self) -> BaseDatabaseWrapper:
        return connections[router.db_for_write(self.cache_model_class)]
