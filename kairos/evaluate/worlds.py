"""The worlds that policies are judged on, by name.

``default`` is the built-in one, whose numbers docs/world.md argues. ``other`` differs in what a policy might have been fitted to: other
people, other hours, another way of growing tired. Its numbers were written down from what is said beside them before any policy was run on it.
"""

from dataclasses import replace

from kairos.errors import USAGE_ERROR, KairosError
from kairos.world import WorldSettings
from kairos.world.behaviour import DAY_MS, HOUR_MS, Behaviour, Browsing, Pushed
from kairos.world.curves import Habit, Persona, Rhythm
from kairos.world.values import Platform, Scenario

# Days as time-use surveys of southern Europe describe them (late lunch, a pause, late dinner), shift work, and students. Few people have the
# evening peak that most have in the default world, and nobody has office hours.
_OTHER_PERSONAS = (
    Persona(
        "siesta",
        0.40,
        {
            Habit.ACTIVITY: Rhythm(
                ((10.0, 1.0, 0.5), (15.3, 1.0, 1.1), (22.4, 1.3, 0.8)), ((12.0, 1.5, 0.6), (16.5, 1.5, 0.9), (22.8, 1.6, 0.8))
            ),
            Habit.OPENING: Rhythm(((9.5, 0.8, 0.6), (15.5, 0.9, 1.4), (21.8, 1.0, 0.5)), ((12.5, 1.4, 0.7), (16.8, 1.3, 1.1))),
            Habit.CONVERTING: Rhythm(((16.0, 1.3, 1.2), (22.0, 1.2, 0.4)), ((13.0, 1.8, 0.9), (17.0, 1.6, 0.8)), 0.2),
        },
    ),
    Persona(
        "shift worker",
        0.25,
        {
            Habit.ACTIVITY: Rhythm(
                ((5.2, 0.9, 0.9), (9.7, 0.5, 0.7), (14.6, 1.0, 1.0), (18.8, 1.3, 0.4)), ((9.0, 2.0, 0.8), (14.0, 2.5, 0.7))
            ),
            Habit.OPENING: Rhythm(((9.6, 0.4, 1.2), (14.7, 0.9, 1.3)), ((9.2, 1.5, 1.0), (14.2, 1.8, 0.7))),
            Habit.CONVERTING: Rhythm(((15.0, 1.1, 1.2),), ((9.5, 1.5, 0.9), (15.0, 2.0, 0.8)), 0.25),
        },
    ),
    Persona(
        "student",
        0.20,
        {
            Habit.ACTIVITY: Rhythm(((11.0, 1.8, 0.8), (16.2, 1.4, 0.7), (23.6, 1.7, 0.9)), ((13.5, 2.0, 0.8), (20.0, 2.2, 0.7))),
            Habit.OPENING: Rhythm(((11.2, 1.2, 1.1), (16.0, 0.9, 0.8), (23.4, 1.2, 0.7)), ((13.0, 1.6, 1.0), (19.0, 1.8, 0.7))),
            Habit.CONVERTING: Rhythm(((12.0, 1.2, 0.7), (23.5, 1.4, 0.9)), ((14.0, 1.8, 0.9), (20.0, 2.0, 0.8)), 0.2),
        },
    ),
    Persona(
        "retired",
        0.15,
        {
            Habit.ACTIVITY: Rhythm(((8.2, 1.2, 1.0), (11.0, 1.2, 0.8), (17.0, 1.5, 0.6)), ((8.6, 1.3, 1.0), (17.5, 1.8, 0.6))),
            Habit.OPENING: Rhythm(((8.4, 0.9, 1.2), (11.2, 0.9, 0.9), (17.2, 1.2, 0.5)), ((8.8, 1.1, 1.2), (17.5, 1.5, 0.6))),
            Habit.CONVERTING: Rhythm(((9.0, 1.1, 1.1), (17.5, 1.4, 0.6)), ((9.2, 1.2, 1.0), (17.5, 1.6, 0.6)), 0.2),
        },
    ),
)

_OTHER_BROWSING = {  # fewer and longer visits, taste counts more and the crowd less: an application people search in
    Scenario.SHOP: Browsing(0.45, 0.8, 8.0, 30_000, 0.9, 0.50, 0.10, 0.03, 0.50, 3.0),
    Scenario.NEWS: Browsing(0.60, 1.1, 3.2, 50_000, 0.9, 0.50, 0.30, 0.05, 0.06, 2.5),
    Scenario.SOCIAL: Browsing(1.20, 1.2, 14.0, 12_000, 0.8, 0.45, 0.30, 0.25, 0.02, 2.5),
}

_OTHER_PUSHED = {  # fewer opens and more purchases, as of customers who opted in for a shop and not for the news
    Scenario.SHOP: Pushed(-4.1, -2.7, 0.0, 0.0),
    Scenario.NEWS: Pushed(-3.9, -1.6, 0.03, 9 * HOUR_MS),
    Scenario.SOCIAL: Pushed(-4.2, -1.3, 0.02, 10 * HOUR_MS),
}

_OTHER_BEHAVIOUR = replace(
    Behaviour(),
    browsing=_OTHER_BROWSING,
    pushed=_OTHER_PUSHED,
    open_per_match=2.0,  # content says less about opening,
    open_per_log_hour=0.8,  # the hour more,
    convert_per_log_hour=0.3,
    open_followed=1.1,
    open_spread=0.9,  # and people differ more
    open_platform={Platform.ANDROID: 0.1, Platform.IOS: -0.1, Platform.WEB_DESKTOP: 0.0},
    open_after_ms={Platform.ANDROID: 20 * 60_000, Platform.IOS: 12 * 60_000, Platform.WEB_DESKTOP: 45 * 60_000},
    offline=0.25,
    dismiss=0.5,
    fatigue_halves_ms=7 * DAY_MS,  # slower: effects of weeks are published (docs/world.md, [19])
    fatigue_irrelevant=0.8,
    fatigue_bad_hour=1.0,  # being woken counts more than being bored
    open_per_fatigue=-0.12,
    opt_out_per_push=0.0018,
    opt_out_power=1.5,  # opting out comes sooner, and not so suddenly
    patience=2.2,
    patience_spread=0.8,
    taste_halves_ms=30 * DAY_MS,
    new_passion_per_day=0.02,
    joins_later=0.20,
)

WORLDS = ("default", "other")


def settings_of(name: str, *, seed: int, start_ms: int, users: int, items: int, scenario: str) -> WorldSettings:
    """The settings of a world. Raises ``KairosError`` for an unknown name."""
    common = WorldSettings(seed=seed, start_ms=start_ms, users=users, items=items, scenario=scenario)
    if name == "default":
        return common
    if name == "other":
        return replace(common, behaviour=_OTHER_BEHAVIOUR, personas=_OTHER_PERSONAS)
    raise KairosError(f"There is no world {name!r}.", f"Choose one of {', '.join(WORLDS)}.", exit_code=USAGE_ERROR)
