"""What an item says about itself, as weighted tokens: category paths, words and tags, price steps.

>>> list(category_tokens(["Home", "Kitchen", "Mugs"]))
['category:home', 'category:home/kitchen', 'category:home/kitchen/mugs']
>>> list(word_tokens("Red mug, RED handle"))
['word:red', 'word:mug', 'word:handle']
>>> price_tokens(6.0)
{'price:2': 0.415..., 'price:3': 0.584...}
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"\w+")


def category_tokens(categories: Sequence[str]) -> dict[str, float]:
    """One token for each prefix of the path from general to specific, so that relatives share the upper ones."""
    path = [_plain(name).strip() for name in categories if name.strip()]
    return {"category:" + "/".join(path[: depth + 1]): 1.0 for depth in range(len(path))}


def word_tokens(text: str, tags: Iterable[str] = ()) -> dict[str, float]:
    """Every word once, however often it is said; a tag is one token whatever it is made of."""
    words = {f"word:{word}": 1.0 for word in _WORD.findall(_plain(text))}
    return words | {f"tag:{_plain(tag).strip()}": 1.0 for tag in tags if tag.strip()}


def price_tokens(price: float | None) -> dict[str, float]:
    """The two doublings that a price lies between, weighted by nearness: 5.99 and 6.01 are next to each other, not a step apart.

    No tokens for a price that is unknown, zero, negative or not finite.
    """
    if price is None or not (0 < price < math.inf):
        return {}
    doublings = math.log2(price)
    below = math.floor(doublings)
    above_share = doublings - below
    return {f"price:{step}": weight for step, weight in ((below, 1 - above_share), (below + 1, above_share)) if weight > 0}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
