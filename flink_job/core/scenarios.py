"""The scenarios: what an item belongs to, as a number of the contract, and its name in the policy."""

SCENARIOS = ("other", "shop", "news", "social")
"""In the order of the numbers of `kairos.v1.Scenario`; the first are items that have none."""
