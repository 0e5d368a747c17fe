"""What a push about an item is for, by the item's scenario; a user who was asked must have agreed to it."""

from __future__ import annotations

from typing import Final

PURPOSES: Final = ("marketing", "marketing", "editorial", "social")
"""By the contract's numbers of scenarios: unspecified, shop, news, social. What is of no known scenario is taken for the strictest."""


def purpose_of(scenario: int) -> str:
    """What a push about an item of this scenario is for.

    >>> purpose_of(2), purpose_of(99)
    ('editorial', 'marketing')
    """
    return PURPOSES[scenario] if scenario < len(PURPOSES) else PURPOSES[0]
