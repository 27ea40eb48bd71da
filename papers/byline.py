"""A byline: who wrote a paper's prose, where rules did not compose all of it."""

from __future__ import annotations

from sandboxes.record import Record


class Byline(Record):
    writer: str
    """A language model's name."""
    written: tuple[str, ...]
    """Titles of the sections that it wrote, and `Abstract`."""
    left: tuple[str, ...] = ()
    """Parts that it was asked for and that never passed the gates: rules composed them."""
