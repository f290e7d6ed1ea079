"""The key of a store, from a file that only its owner reads, or from a passphrase."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path

from ..library import KEY_LEN

_SALT_LEN = 16
#: 64 MiB and a fraction of a second for each guess at a passphrase.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**16, 8, 1


class NoKeyError(Exception):
    """The key cannot be had; it says why."""


def key_of_file(path: Path) -> bytes:
    """The key in a file, which is made if it is not there."""
    return _secret(path, KEY_LEN)


def key_of_passphrase(passphrase_file: Path, salt: Path) -> bytes:
    """The key that a passphrase makes with a random salt. The salt is no secret, but without it the key is gone."""
    try:
        passphrase = passphrase_file.read_bytes().strip(b"\r\n")
    except OSError as error:
        raise NoKeyError(f"{passphrase_file}: {error.strerror}") from error
    if not passphrase:
        raise NoKeyError(f"{passphrase_file}: there is no passphrase in it")
    return hashlib.scrypt(
        passphrase,
        salt=_secret(salt, _SALT_LEN),
        n=_SCRYPT_N,
        r=_SCRYPT_R,
        p=_SCRYPT_P,
        maxmem=2 * 128 * _SCRYPT_N * _SCRYPT_R,
        dklen=KEY_LEN,
    )


def _secret(path: Path, length: int) -> bytes:
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        return _read(path, length)
    except OSError as error:
        raise NoKeyError(f"{path}: {error.strerror}") from error
    with open(made, "wb") as file:
        secret = secrets.token_bytes(length)
        file.write(secret)
        file.flush()
        # A store is worth nothing without it.
        os.fsync(file.fileno())
    return secret


def _read(path: Path, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            secret = file.read(length + 1)
    except OSError as error:
        raise NoKeyError(f"{path}: {error.strerror}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise NoKeyError(f"{path}: others may read it; chmod 600 it, if nobody has")
    if len(secret) != length:
        raise NoKeyError(f"{path}: it does not have {length} bytes")
    return secret
