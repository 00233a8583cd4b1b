"""Hashing that fits a small machine."""

import threading

import pytest

from evento.hashers import LightArgon2PasswordHasher, one_at_a_time


def test_password_hash_is_argon2id_and_light_on_memory():
    encoded = LightArgon2PasswordHasher().encode("correct-horse", "salt-salt-salt")

    assert encoded.startswith("argon2$argon2id$v=19$m=9216,t=4,p=1$")


@pytest.mark.parametrize("act", ["encode", "verify"])
def test_process_hashes_one_password_at_a_time(monkeypatch, act):
    hasher = LightArgon2PasswordHasher()
    act_on = {"encode": "salt" * 4, "verify": hasher.encode("secret", "salt" * 4)}
    free = []

    def nobody_else(*_args, **_kwargs):
        other = threading.Thread(target=lambda: free.append(one_at_a_time.acquire(blocking=False)))
        other.start()
        other.join()
        raise RuntimeError("enough")

    monkeypatch.setattr("argon2.low_level.hash_secret", nobody_else)
    monkeypatch.setattr("argon2.PasswordHasher.verify", nobody_else)
    with pytest.raises(RuntimeError, match="enough"):
        getattr(hasher, act)("secret", act_on[act])

    assert free == [False]
