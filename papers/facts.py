"""Facts: every number a paper may state, by key, with where it comes from."""

from __future__ import annotations

from typing import Literal

from sandboxes.record import Record


class Fact(Record):
    """A number with its origin.

    Keys: `<arm>.n`, `<arm>.variant`, `<arm>.reference` (means over paired seeds), `<arm>.variant.sd`,
    `<arm>.reference.sd` (ddof 1), `<arm>.difference`, `.low`, `.high`, `.p`, `.relative` (difference in % of the
    reference mean), `.iqm_difference`, `.iqm_low`, `.iqm_high`, `.probability`, and per seed
    `<arm>.seed.<seed>.variant|reference|difference`, where `<arm>` is `pilot`, `full`, `confirm` or
    `ablation.<variant>`; the same under `<arm>.<secondary>.` for each secondary measurement;
    `headline.p_holm`; `trials.total`, `trials.<ending>`; `idea.smallest_effect`; `knob.<name>.before|after`;
    `setting.<name>`; `limit.<name>`; `seeds.<stage>`; `cost.wall_seconds`, `cost.trial_cpu_seconds`, `cost.spend_usd`;
    `campaign.ideas`; `past.<number>.difference|low|high|p|p_holm`; `level` (the 95 of a 95 % interval); `alpha`.
    """

    value: float
    unit: str
    source: str
    """E.g. `confirm: mean over 10 paired seeds of variant − baseline, trials/merge-true/cpu-s1000 …`."""
    kind: Literal["measured", "counted", "declared"]
    signed: bool = False
    """A difference: direction words beside it must agree with its sign."""
