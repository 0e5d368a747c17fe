"""The words that item titles are made of, by scenario and category. Everything here is a common noun: no brands, no people.

A category has nouns (what it is) and styles (which kind it is). Styles recur across categories on purpose: someone who likes
"Linen" things likes them in curtains and in shirts, and titles are where a recommender can see that.
"""

from dataclasses import dataclass

from kairos.world.values import Scenario


@dataclass(frozen=True, slots=True)
class Category:
    """One leaf of the catalogue's tree. ``typical_price`` in euros is 0 where nothing is for sale."""

    scenario: Scenario
    path: tuple[str, ...]
    nouns: tuple[str, ...]
    styles: tuple[str, ...]
    typical_price: float = 0.0
    consumable: bool = False


def _shop(path: str, price: float, nouns: str, styles: str, consumable: bool = False) -> Category:
    return Category(Scenario.SHOP, tuple(path.split("/")), _list(nouns), _list(styles), price, consumable)


def _news(path: str, nouns: str) -> Category:
    return Category(Scenario.NEWS, tuple(path.split("/")), _list(nouns), ANGLES)


def _social(path: str, nouns: str) -> Category:
    return Category(Scenario.SOCIAL, tuple(path.split("/")), _list(nouns), FORMS)


def _list(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(","))


ANGLES = _list("Explained, Live, Opinion, In pictures, Analysis, Report, Interview, In numbers")
FORMS = _list("Before and after, Step by step, Question, Short clip, Photo set, Weekend project, Small win, Honest review")

SHOP = (
    _shop("home/lighting", 55, "desk lamp, floor lamp, pendant light, wall light", "Walnut, Brass, Linen, Rattan, Steel"),
    _shop("home/textiles", 40, "curtain, throw, cushion, duvet cover, rug", "Linen, Wool, Cotton, Striped, Undyed"),
    _shop("home/storage", 35, "shelf, basket, coat rack, drawer box, shoe rack", "Oak, Rattan, Walnut, Steel, Foldable"),
    _shop("home/furniture", 180, "stool, side table, bookcase, bench, armchair", "Oak, Walnut, Linen, Steel, Foldable"),
    _shop("kitchen/cookware", 45, "frying pan, stock pot, kettle, baking tin, knife", "Cast-iron, Steel, Copper, Enamel, Compact"),
    _shop("kitchen/tableware", 22, "mug, bowl, plate set, carafe, tray", "Stoneware, Glass, Enamel, Oak, Speckled"),
    _shop("kitchen/coffee", 14, "espresso beans, filter coffee, decaf beans", "Dark-roast, Light-roast, Organic, Washed", True),
    _shop("kitchen/pantry", 8, "olive oil, honey, tea, dark chocolate, oat biscuits", "Organic, Smoked, Wild, Salted", True),
    _shop("clothing/knitwear", 70, "jumper, cardigan, scarf, beanie, socks", "Wool, Merino, Striped, Undyed, Recycled"),
    _shop("clothing/outerwear", 140, "rain jacket, parka, waistcoat, windbreaker", "Waxed, Recycled, Wool, Compact, Quilted"),
    _shop("clothing/shirts", 45, "shirt, t-shirt, overshirt, blouse, polo shirt", "Linen, Cotton, Striped, Recycled, Undyed"),
    _shop("clothing/footwear", 95, "trail shoes, boots, sandals, slippers, trainers", "Leather, Recycled, Wool, Waxed, Canvas"),
    _shop("outdoors/camping", 85, "tent, sleeping bag, camp stove, headlamp, mat", "Compact, Quilted, Solar, Foldable, Recycled"),
    _shop("outdoors/cycling", 50, "bike light, pannier, pump, helmet, bell", "Waxed, Steel, Compact, Solar, Leather"),
    _shop("outdoors/garden", 28, "trowel, watering can, planter, seed tray, pruner", "Copper, Terracotta, Oak, Recycled, Steel"),
    _shop("electronics/audio", 90, "headphones, speaker, microphone, radio, earbuds", "Compact, Wireless, Walnut, Recycled, Solar"),
    _shop("electronics/charging", 30, "power bank, charger, cable, charging pad", "Solar, Compact, Wireless, Braided, Foldable"),
    _shop("play/board games", 32, "card game, puzzle, chess set, dice game, co-op game", "Walnut, Compact, Illustrated, Wooden"),
    _shop("play/crafts", 24, "sketchbook, paint set, yarn bundle, embroidery kit, clay set", "Illustrated, Wool, Undyed, Recycled"),
    _shop("care/skin", 16, "hand cream, face oil, soap, sunscreen, lip balm", "Organic, Unscented, Cedar, Citrus", True),
)

NEWS = (
    _news("world/climate", "river levels, coastal towns, heat records, forest fires, wind farms, glacier retreat"),
    _news("economy/work", "four-day weeks, apprenticeships, pension rules, small firms, night shifts, wage talks"),
    _news("economy/prices", "rents, energy bills, food prices, interest rates, train fares, mortgage costs"),
    _news("science/space", "a lunar probe, a comet, the new telescope, an orbiter, solar storms, a rover"),
    _news("science/health", "sleep research, vaccine trials, hearing loss, hospital waiting times, allergies, ageing"),
    _news("technology/software", "passkeys, open-source funding, search engines, app stores, data leaks, chip design"),
    _news("technology/energy", "home batteries, heat pumps, charging networks, grid storage, solar roofs, hydrogen"),
    _news("sport/football", "the league leaders, a late winner, the relegation fight, the cup draw, the transfer window"),
    _news("sport/cycling", "the mountain stage, the time trial, the sprint finish, the one-day classic, a solo escape"),
    _news("culture/film", "a festival opener, subtitled cinema, short films, restored prints, animation studios, film music"),
    _news("culture/books", "debut novels, poetry, translated fiction, libraries, graphic novels, second-hand shops"),
    _news("local/transport", "night trains, a new tram line, cycle lanes, ferry timetables, bus drivers, the ring road"),
    _news("local/weather", "heavy rain, the first frost, a storm front, a dry spring, fog on the coast"),
    _news("life/food", "sourdough, seasonal vegetables, street food, school lunches, fermented food"),
)

SOCIAL = (
    _social("making/baking", "sourdough starter, cinnamon buns, rye loaf, birthday cake, focaccia"),
    _social("making/woodwork", "dovetail box, bird house, workbench, spoon carving, garden gate"),
    _social("making/ceramics", "glaze test, tea bowl, kiln opening, wheel practice, plant pot"),
    _social("making/knitting", "first jumper, colour work, mittens, lace shawl, yarn swap"),
    _social("outside/climbing", "slab problem, first outdoor lead, chalk debate, finger training, crag weekend"),
    _social("outside/running", "long run, hill repeats, first half marathon, night run, trail shoes"),
    _social("outside/birds", "kingfisher, garden feeder, owl at dusk, migration count, heron"),
    _social("outside/hiking", "ridge walk, hut to hut, river crossing, sunrise summit, lost path"),
    _social("home/plants", "monstera, repotting day, seedlings, balcony tomatoes, orchid rescue"),
    _social("home/cats", "window seat, new kitten, vet visit, cardboard box, midnight zoomies"),
    _social("sound/synths", "modular patch, drum machine, field recording, ambient set, broken key"),
    _social("sight/photography", "street corner, film roll, foggy morning, portrait light, night sky"),
)

CATEGORIES: tuple[Category, ...] = SHOP + NEWS + SOCIAL
STYLES: tuple[str, ...] = tuple(sorted({style for category in CATEGORIES for style in category.styles}))
