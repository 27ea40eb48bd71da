"""What a campaign may spend and what it has spent: pure arithmetic."""

from __future__ import annotations

from pydantic import Field

from sandboxes.record import Record

UNITS = {
    "usd": "US dollars",
    "tokens": "tokens",
    "wall_seconds": "wall seconds",
    "trial_seconds": "trial seconds",
    "gpu_seconds": "GPU seconds",
}


class Spend(Record):
    """What has been used so far, kills and restarts included."""

    usd: float = 0.0
    tokens: int = 0
    """Of language models, all classes together."""
    unpriced_tokens: int = 0
    """Those of them whose price nobody knows; `usd` says nothing of them."""
    wall_seconds: float = 0.0
    """While a process worked on the campaign."""
    trial_seconds: float = 0.0
    """Wall time summed over trials, which may overlap."""
    gpu_seconds: float = 0.0
    """Trial time times the GPUs leased for it."""

    def __add__(self, other: Spend) -> Spend:
        return Spend(**{name: getattr(self, name) + getattr(other, name) for name in Spend.model_fields})

    def __sub__(self, other: Spend) -> Spend:
        return Spend(**{name: getattr(self, name) - getattr(other, name) for name in Spend.model_fields})


class Budget(Record):
    """Hard caps; None is no cap."""

    usd: float | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    wall_seconds: float | None = Field(default=None, gt=0)
    trial_seconds: float | None = Field(default=None, gt=0)
    gpu_seconds: float | None = Field(default=None, gt=0)

    def reached(self, spend: Spend) -> str | None:
        """Say which cap `spend` has reached, if any."""
        for name, unit in UNITS.items():
            cap, used = getattr(self, name), getattr(spend, name)
            if cap is not None and used >= cap and used > 0:
                return f"{used:.1f} of {cap:g} {unit} used"
        return None

    def exceeded(self, spend: Spend) -> str | None:
        """Say which cap `spend` would go beyond, if any."""
        for name, unit in UNITS.items():
            cap, used = getattr(self, name), getattr(spend, name)
            if cap is not None and used > cap:
                return f"{used:.4g} of {cap:g} {unit}"
        return None


class BudgetReachedError(RuntimeError):
    """A cap is reached; what was done is kept."""
