"""The campaign: thinks, spends, remembers."""
