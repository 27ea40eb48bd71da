"""A problem: one thing wrong with a paper, as a sentence for whoever can mend it."""

from __future__ import annotations

from sandboxes.record import Record


class Problem(Record):
    where: str
    """A place that its reader can find: a section and a quoted sentence, a label, a line of the TeX file."""
    what: str
    remedy: str
    stops: bool = True
    """False for a blemish that is reported and does not stop the build."""

    def __str__(self) -> str:
        """Read as one line."""
        return f"{self.where}: {self.what}: {self.remedy}"
