"""Readable titles, summaries and search queries from the word lists.

>>> from kairos.world.words import SHOP
>>> write(SHOP[0], noun=0, style=0, number=3)
('Walnut desk lamp, chalk white', 'Walnut desk lamp from our lighting range.')
"""

from kairos.world.values import Scenario
from kairos.world.words import Category

_COLOURS = (
    "moss green", "chalk white", "slate grey", "ink blue", "rust", "sand", "plum", "charcoal", "butter yellow", "sage", "clay", "midnight",
    "coral", "forest green", "ash", "sky blue", "cherry", "oatmeal", "teal", "olive", "copper", "lilac", "smoke", "pine",
)  # fmt: skip
_DEVELOPMENTS = (
    "what changes this week",
    "why it matters now",
    "the second part",
    "what we know so far",
    "the view from the ground",
    "who pays for it",
    "five questions answered",
    "what comes next",
)
_MOMENTS = (
    "day nine",
    "third try",
    "finally finished",
    "help wanted",
    "a year later",
    "first attempt",
    "the short version",
    "on a Sunday",
)


def write(category: Category, noun: int, style: int, number: int) -> tuple[str, str]:
    """Title and summary of an item. ``number`` tells apart items that have the same noun and style."""
    subject = category.nouns[noun % len(category.nouns)]
    kind = category.styles[style % len(category.styles)]
    match category.scenario:
        case Scenario.SHOP:
            return f"{kind} {subject}{_variant(number)}", f"{kind} {subject} from our {category.path[-1]} range."
        case Scenario.NEWS:
            development = _DEVELOPMENTS[number % len(_DEVELOPMENTS)]
            return (
                f"{kind}: {subject}, {development}",
                f"{_capital(subject)}, {development}. From the {category.path[-1]} desk.",
            )
        case Scenario.SOCIAL:
            moment = _MOMENTS[number % len(_MOMENTS)]
            return f"{kind}: {subject}, {moment}", f"A post about {category.path[-1]}: {subject}, {moment}."


def query_for(title: str) -> str:
    """What somebody types who is looking for an item with this title.

    >>> query_for("Walnut desk lamp, chalk white")
    'walnut desk lamp'
    """
    return title.split(",", maxsplit=1)[0].lower()


def _variant(number: int) -> str:
    """The first of a kind needs no telling apart."""
    round_, colour = divmod(number - 2, len(_COLOURS))
    return "" if number == 1 else f", {_COLOURS[colour]}" + (f" no. {round_ + 1}" if round_ else "")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
