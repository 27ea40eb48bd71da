"""A record: frozen data that is on disk whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError


class DamagedRecordError(ValueError):
    """A file that is not the record it should be; the message names it."""


class Record(BaseModel):
    """Frozen data that crosses a boundary: a disk, a checkpoint, a process.

    Unknown fields and NaN or infinite numbers are refused, on the way in and on the way out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def save(self, path: Path) -> None:
        """Replace `path` by this record as JSON, atomically and durably."""
        write_atomically(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises `DamagedRecordError` when the file does not hold this kind of record.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise DamagedRecordError(
                f"{path} is no {cls.__name__} record: {error.errors()[0]['msg']}. Put back a copy of the file, or "
                f"move it away to have it made anew."
            ) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content`, so that a crash leaves the old file or the new one, never a part.

    Raises `OSError` when the disk is full or the folder is missing; nothing is left behind then.
    """
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
