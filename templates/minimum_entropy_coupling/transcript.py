"""A transcript: every coupling of a run as it was committed to, so that a scorer can replay it.

Chance is bound to commitment: the uniform number that draws a cover symbol is a hash of all that the method
committed to for this message so far, the current coupling included. A coupling can therefore not depend on the
symbol it is about to draw, and no message exists while couplings are chosen.
"""

from __future__ import annotations

import hashlib
import itertools
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

FILE = "transcripts.npz"

T = TypeVar("T")

_MISFITS = (OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a file that is no archive of arrays may raise."""


class UnreadableError(ValueError):
    """A file that is no transcript."""


@dataclass(frozen=True)
class Step:
    """One coupling between blocks of messages (columns) and cover symbols (rows)."""

    partition: tuple[int, ...]
    """Factored: the components whose joint values are the blocks, none for the one trivial block.
    Tree: the prefix whose one-symbol extensions are the blocks, everything else being the last block."""
    trivial: bool
    """Nothing is coupled: the symbol is drawn from the cover alone."""
    members: tuple[int, ...]
    """The cover symbols still possible, in order: the rows."""
    atoms: tuple[tuple[int, int, float], ...]
    """Row, column and mass of every positive entry."""
    groups: tuple[int, ...]
    """One label per row; the receiver learns the label of the drawn row first, and rows of a label stay possible."""


def opening(seed: int, message: int) -> bytes:
    """Return the state of a message's transcript before any commitment."""
    return hashlib.blake2b(f"{seed}:{message}".encode(), digest_size=16).digest()


def commit(state: bytes, step: Step) -> tuple[bytes, float]:
    """Bind `step` into the transcript: its new state, and the uniform number in [0, 1) that this draws.

    Masses count to nine decimals, so that the last bits of an arithmetic decide nothing.
    """
    rounded = [(row, column, round(mass * 1e9)) for row, column, mass in step.atoms]
    content = repr((step.partition, step.trivial, step.members, rounded, step.groups)).encode()
    state = hashlib.blake2b(state + content, digest_size=16).digest()
    return state, (int.from_bytes(state[:8], "big") >> 11) * 2.0**-53


@dataclass
class Transcript:
    """The steps of all messages, in the order in which they were committed to."""

    kind: str
    """`factored` or `tree`: how the partitions are to be read."""
    steps: list[list[Step]] = field(default_factory=list)
    """Per message."""
    texts: list[tuple[int, ...]] = field(default_factory=list)
    """Per message, the cover text that was drawn."""
    decoded: list[tuple[int, ...]] = field(default_factory=list)
    """Per message, what the receiver makes of the cover text."""

    def save(self, folder: Path) -> None:
        """Write `transcripts.npz` into `folder`."""
        steps = [step for message in self.steps for step in message]
        atoms = [atom for step in steps for atom in step.atoms]
        np.savez(
            folder / FILE,
            kind=np.array(self.kind),
            texts=np.array(self.texts, dtype=np.int64),
            decoded=np.array(self.decoded, dtype=np.int64),
            steps_per_message=np.array([len(message) for message in self.steps], dtype=np.int64),
            trivial=np.array([step.trivial for step in steps], dtype=np.bool_),
            atom_rows=np.array([row for row, _, _ in atoms], dtype=np.int32),
            atom_columns=np.array([column for _, column, _ in atoms], dtype=np.int32),
            atom_masses=np.array([mass for _, _, mass in atoms], dtype=np.float64),
            atoms_per_step=np.array([len(step.atoms) for step in steps], dtype=np.int64),
            **_ragged("partition", [step.partition for step in steps]),
            **_ragged("members", [step.members for step in steps]),
            **_ragged("groups", [step.groups for step in steps]),
        )

    @classmethod
    def load(cls, folder: Path) -> Transcript:
        """Read what `save` wrote.

        Raises `UnreadableError` for a file that `save` did not write.
        """
        try:
            with np.load(folder / FILE, allow_pickle=False) as file:
                return cls._read(file)
        except _MISFITS as error:
            raise UnreadableError(f"{FILE} does not hold a transcript: {error}") from error

    @classmethod
    def _read(cls, file: np.lib.npyio.NpzFile) -> Transcript:
        columns = (_whole(file, "atom_rows"), _whole(file, "atom_columns"), file["atom_masses"].tolist())
        steps = [
            Step(tuple(partition), bool(trivial), tuple(members), tuple(atoms), tuple(groups))
            for partition, trivial, members, atoms, groups in zip(
                _unragged(file, "partition"),
                _whole(file, "trivial"),
                _unragged(file, "members"),
                _split(list(zip(*columns, strict=True)), _whole(file, "atoms_per_step")),
                _unragged(file, "groups"),
                strict=True,
            )
        ]
        return cls(
            kind=str(file["kind"]),
            steps=list(_split(steps, _whole(file, "steps_per_message"))),
            texts=[tuple(row) for row in _whole(file, "texts")],
            decoded=[tuple(row) for row in _whole(file, "decoded")],
        )


def _whole(file: np.lib.npyio.NpzFile, name: str) -> list[Any]:
    """Read an array of whole numbers; raises `TypeError` for others."""
    return file[name].astype(np.int64, casting="same_kind").tolist()  # type: ignore[no-any-return]


def _ragged(name: str, rows: Sequence[Sequence[int]]) -> dict[str, NDArray[np.int64]]:
    """Store rows of unequal length as their values and their lengths."""
    return {
        f"{name}_values": np.array([value for row in rows for value in row], dtype=np.int64),
        f"{name}_lengths": np.array([len(row) for row in rows], dtype=np.int64),
    }


def _unragged(file: np.lib.npyio.NpzFile, name: str) -> Iterator[list[int]]:
    return _split(_whole(file, f"{name}_values"), _whole(file, f"{name}_lengths"))


def _split(values: list[T], lengths: list[int]) -> Iterator[list[T]]:
    """Cut `values` into pieces of `lengths`; raises `ValueError` unless they fit exactly."""
    if min(lengths, default=0) < 0 or sum(lengths) != len(values):
        raise ValueError(f"lengths that do not add up to the {len(values)} values stored.")
    ends = itertools.accumulate(lengths)
    return (values[end - length : end] for end, length in zip(ends, lengths, strict=True))
