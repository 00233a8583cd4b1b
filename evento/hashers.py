"""Password hashing for small machines."""

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

# Of each process: as many hashes as threads would take their memory at once, and be no faster.
one_at_a_time = threading.RLock()


class LightArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id at 19 MiB, t=2, p=1 (OWASP's first choice): Django's default takes 100 MB a sign-in."""

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with one_at_a_time:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with one_at_a_time:
            return super().verify(password, encoded)
