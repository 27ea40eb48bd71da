"""What a campaign may spend and what it has spent: pure arithmetic."""

from __future__ import annotations

from pydantic import Field

from sandboxes.record import Record

OPTIONS = {
    "usd": "--max-usd",
    "tokens": "--max-tokens",
    "wall_seconds": "--max-wall",
    "trial_seconds": "--max-trial-seconds",
    "gpu_seconds": "--max-gpu-seconds",
}
"""How a command line sets each cap of a campaign."""

UNITS = {
    "usd": "US dollars",
    "tokens": "tokens",
    "wall_seconds": "wall seconds",
    "trial_seconds": "trial seconds",
    "gpu_seconds": "GPU seconds",
}


def study_option(name: str) -> str:
    """Give the option that sets this cap for each study."""
    return OPTIONS[name].replace("--", "--study-", 1)


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
                return f"{figure(used)} of {figure(cap)} {unit} used"
        return None

    def exceeded(self, spend: Spend) -> str | None:
        """Say which cap `spend` would go beyond, if any."""
        name = self.first_exceeded(spend)
        return f"{figure(getattr(spend, name))} of {figure(getattr(self, name))} {UNITS[name]}" if name else None

    def first_exceeded(self, spend: Spend) -> str | None:
        """Name the first cap that `spend` would go beyond."""
        caps = ((name, getattr(self, name)) for name in UNITS)
        return next((name for name, cap in caps if cap is not None and getattr(spend, name) > cap), None)


def figure(amount: float) -> str:
    """Write an amount with a few figures, and never with an exponent."""
    return f"{amount:,.0f}" if amount >= 1000 or amount == int(amount) else f"{amount:.4g}"  # noqa: PLR2004


class Beyond(Record):
    """A cap that would not hold."""

    used: str
    """A clause: whose cap, and how far the spend would go."""
    option: str
    """What raises it on a command line."""
    by_study: bool
    """It is a cap of the study in work, and the campaign's hold."""


class Caps(Record):
    """What bounds each call to a language model."""

    campaign: Budget = Budget()
    study: Budget = Budget()
    argument: str = ""
    """Names the campaign on a command line."""

    def beyond(self, campaign: Spend, study: Spend) -> Beyond | None:
        """Say which cap these spends, of the whole campaign and of the study in work, would go beyond."""
        if name := self.campaign.first_exceeded(campaign):
            return Beyond(
                used=f"the campaign would have used {self.campaign.exceeded(campaign)}",
                option=OPTIONS[name],
                by_study=False,
            )
        if name := self.study.first_exceeded(study):
            used = f"this study would have used {self.study.exceeded(study)}"
            return Beyond(used=used, option=study_option(name), by_study=True)
        return None


class BudgetReachedError(RuntimeError):
    """A cap is reached; what was done is kept."""


class StudyBudgetReachedError(BudgetReachedError):
    """A cap of the study in work is reached, and none of the campaign's."""

    def __init__(self, message: str, *, used: str) -> None:
        super().__init__(message)
        self.used = used
        """A clause: how far the spend is, or would go."""
