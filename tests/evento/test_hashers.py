from evento.hashers import LightArgon2PasswordHasher


def test_password_hash_is_argon2id_and_light_on_memory():
    encoded = LightArgon2PasswordHasher().encode("correct-horse", "salt-salt-salt")

    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
