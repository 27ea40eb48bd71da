"""Keys: found by name in the environment or in the user's key file, and told to nobody else."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from agent.redaction import Redactor, environment_secrets

FILE = Path("~/.ratchet/keys.toml")
"""Where keys are kept when `RATCHET_KEYS` names no other file."""
PLACE = "RATCHET_KEYS"


class KeysError(ValueError):
    """A key is missing, or the key file cannot be used; the message says what to do, and holds no key."""


class Keys:
    """What the environment holds, and beside it the key file: one line `NAME = "key"` for each."""

    def __init__(self, environ: Mapping[str, str], file: Path | None = None) -> None:
        """Take the keys as they are now; the file is `environ`'s, or the usual one.

        Raises `KeysError` for a file that others can read, or that is not such lines.
        """
        self._environ = {name: SecretStr(value.strip()) for name, value in environ.items()}
        self._file = file or Path(environ.get(PLACE) or FILE).expanduser()
        self._filed = read(self._file)

    def key(self, name: str) -> SecretStr:
        """Give the key called `name`; the environment goes before the file.

        Raises `KeysError` when there is none, or when it is none that could be sent.
        """
        found = self.find(name)
        if found is None:
            raise KeysError(
                f"There is no key {name}. Set the environment variable {name}, or add the line "
                f'{name} = "…" to {self._file} (chmod 600).'
            )
        return found

    def find(self, name: str) -> SecretStr | None:
        """Give the key called `name`, None when there is none."""
        found = self._environ.get(name) or self._filed.get(name)
        return sendable(name, found) if found else None

    def secrets(self) -> tuple[str, ...]:
        """Give every value that must not be seen: all of the file, and what the environment names like a key."""
        environ = {name: value.get_secret_value() for name, value in self._environ.items()}
        filed = (value.get_secret_value() for value in self._filed.values())
        return (*filed, *environment_secrets(environ))

    def __repr__(self) -> str:
        return f"Keys(file={str(self._file)!r})"

    def __reduce__(self) -> str:
        raise TypeError("Keys are never pickled: they would lie in a file. Make them anew where they are needed.")


def redactor(environ: Mapping[str, str]) -> Redactor:
    """Make the redactor of all keys known here, also when the key file cannot be used: then it was not read."""
    try:
        return Redactor(Keys(environ).secrets())
    except KeysError:
        return Redactor(environment_secrets(environ))


def read(file: Path) -> dict[str, SecretStr]:
    """Read a key file, empty when there is none; raises `KeysError` as `Keys` does."""
    try:
        with file.open("rb") as opened:
            refuse_open_rights(file, os.fstat(opened.fileno()).st_mode)
            return {name: filed(file, name, value) for name, value in tomllib.load(opened).items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        where = f"it is not UTF-8 at byte {error.start}" if isinstance(error, UnicodeDecodeError) else str(error)
        # Without its cause, which holds the text.
        raise KeysError(f'{file} is no key file: {where}. Each line is NAME = "key".') from None
    except OSError as error:
        raise KeysError(f"{file} cannot be read ({error.strerror}). Mend its rights, or set {PLACE}.") from error


def refuse_open_rights(file: Path, mode: int) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeysError(
            f"{file} holds keys and is open to others (mode {stat.S_IMODE(mode):o}), so nothing was read from it. "
            f"Close it: chmod 600 {file}"
        )


def filed(file: Path, name: str, value: object) -> SecretStr:
    if not isinstance(value, str):
        raise KeysError(f'{file}: {name} is no text. Write the key in quotes: {name} = "…".')
    return SecretStr(value.strip())


def sendable(name: str, key: SecretStr) -> SecretStr:
    """Refuse a key that no header can carry, here, since the error of whoever sends it may show it."""
    wrong = next((place for place, each in enumerate(key.get_secret_value(), start=1) if not "!" <= each <= "~"), None)
    if wrong is not None:
        raise KeysError(f"The key {name} has a character at place {wrong} that no key has. Copy it again.")
    return key
