"""What a campaign may spend and what it has spent: pure arithmetic."""

from __future__ import annotations

from pydantic import Field

from sandboxes.record import Record


class Spend(Record):
    """What has been used so far, kills and restarts included."""

    usd: float = 0.0
    wall_seconds: float = 0.0
    """While a process worked on the campaign."""
    trial_seconds: float = 0.0
    """Wall time summed over trials, which may overlap."""

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            usd=self.usd + other.usd,
            wall_seconds=self.wall_seconds + other.wall_seconds,
            trial_seconds=self.trial_seconds + other.trial_seconds,
        )

    def __sub__(self, other: Spend) -> Spend:
        return Spend(
            usd=self.usd - other.usd,
            wall_seconds=self.wall_seconds - other.wall_seconds,
            trial_seconds=self.trial_seconds - other.trial_seconds,
        )


class Budget(Record):
    """Hard caps; None is no cap."""

    usd: float | None = Field(default=None, ge=0)
    wall_seconds: float | None = Field(default=None, gt=0)
    trial_seconds: float | None = Field(default=None, gt=0)

    def reached(self, spend: Spend) -> str | None:
        """Say which cap `spend` has reached, if any."""
        caps = (
            ("US dollars", self.usd, spend.usd),
            ("wall seconds", self.wall_seconds, spend.wall_seconds),
            ("trial seconds", self.trial_seconds, spend.trial_seconds),
        )
        for unit, cap, used in caps:
            if cap is not None and used >= cap and used > 0:
                return f"{used:.1f} of {cap:g} {unit} used"
        return None


class BudgetReachedError(RuntimeError):
    """A cap is reached; what was done is kept."""
