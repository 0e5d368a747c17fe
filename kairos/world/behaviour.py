"""Every number that says how people behave. docs/world.md argues each of them: published, measured on a public log, or assumed.

Times are milliseconds of life, probabilities are per occasion, logits are natural. Change them with ``dataclasses.replace``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kairos.world.values import Platform, Scenario

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Browsing:
    """How one kind of application is used when nothing was pushed."""

    sessions_per_day: float  # mean over users
    sessions_spread: float  # sigma of the lognormal over users
    views_per_session: float  # mean of 1 + geometric
    think_ms: float  # median between two views
    think_spread: float  # sigma of the lognormal
    stay_in_category: float  # chance that the next view is in the same category
    from_trending: float  # share of views that follow popularity instead of taste
    from_followed: float  # share of views that follow a creator
    searches: float  # share of changes of category that are a search
    pickiness: float  # inverse temperature of choosing among what is in sight


@dataclass(frozen=True, slots=True)
class Pushed:
    """How pushes of one kind of application are received."""

    open_base: float  # logit of opening: an item of no interest at a mean hour, rested
    convert_base: float  # logit of converting after opening: an item of mean interest at a mean hour
    conversion_value: float  # euros of a conversion that is no purchase
    stale_after_ms: float  # half-life of an item's attraction; 0: none


BROWSING: Mapping[Scenario, Browsing] = {
    Scenario.SHOP: Browsing(0.30, 1.0, 6.0, 35_000, 0.9, 0.62, 0.20, 0.03, 0.35, 4.0),
    Scenario.NEWS: Browsing(0.80, 0.9, 1.85, 45_000, 0.9, 0.40, 0.45, 0.03, 0.03, 3.0),
    Scenario.SOCIAL: Browsing(2.00, 1.0, 11.0, 14_000, 0.8, 0.30, 0.20, 0.30, 0.02, 3.0),
}

PUSHED: Mapping[Scenario, Pushed] = {
    Scenario.SHOP: Pushed(-4.45, -3.2, 0.0, 0.0),
    Scenario.NEWS: Pushed(-3.4, -1.2, 0.03, 16 * HOUR_MS),
    Scenario.SOCIAL: Pushed(-3.7, -1.6, 0.02, 6 * HOUR_MS),
}


@dataclass(frozen=True, slots=True)
class Funnel:
    """What follows the view of an item, for an item of mean interest. Interest multiplies by exp(interest_gain * (match - mean))."""

    interest_gain: float = 1.8
    mean_match: float = 0.5
    dwell: float = 0.5
    # shop
    favourite: float = 0.032
    cart: float = 0.058
    buy_from_cart: float = 0.22
    buy_at_once: float = 0.005
    remove_from_cart: float = 0.10
    buy_left_cart: float = 0.04  # in a later session within `cart_lasts_ms`
    returned: float = 0.165
    # news
    read_through: float = 0.55
    share_news: float = 0.012
    comment_news: float = 0.008
    save_news: float = 0.015
    # social
    like: float = 0.09
    comment_post: float = 0.012
    repost: float = 0.008
    hide: float = 0.004  # for an item of no interest
    # both
    follow: float = 0.004


@dataclass(frozen=True, slots=True)
class Behaviour:
    """All of it."""

    browsing: Mapping[Scenario, Browsing] = field(default_factory=lambda: BROWSING)
    pushed: Mapping[Scenario, Pushed] = field(default_factory=lambda: PUSHED)
    funnel: Funnel = field(default_factory=Funnel)

    # Opening, in logits
    open_per_match: float = 2.6
    open_per_log_hour: float = 0.5
    open_per_fatigue: float = -0.22
    open_cart: float = 1.0  # the item lies in the cart; halves every cart_cools_ms
    open_followed: float = 0.7
    open_breaking: float = 0.8
    open_discount: float = 3.0  # times the user's price sensitivity times the discount (0..1)
    open_repeated: float = -1.2  # was pushed before
    open_bought: float = -2.5  # durable and bought already
    open_spread: float = 0.6  # sigma of the user's own intercept
    open_platform: Mapping[Platform, float] = field(
        default_factory=lambda: {Platform.ANDROID: 0.25, Platform.IOS: -0.43, Platform.WEB_DESKTOP: -0.3}
    )

    # Converting after opening, in logits
    convert_per_match: float = 2.4
    convert_per_log_hour: float = 0.5
    convert_cart: float = 1.6
    convert_per_log_price: float = -1.0  # times the user's price sensitivity

    # Delays
    open_after_ms: Mapping[Platform, float] = field(  # median
        default_factory=lambda: {
            Platform.ANDROID: 48 * MINUTE_MS,
            Platform.IOS: 7 * MINUTE_MS,
            Platform.WEB_DESKTOP: 10 * MINUTE_MS,
        }
    )
    open_delay_spread: float = 1.4
    open_within_ms: int = 24 * HOUR_MS
    convert_after_ms: float = 4 * MINUTE_MS  # median
    convert_delay_spread: float = 1.5
    deliver_after_ms: float = 900  # median
    offline: float = 0.15
    offline_for_ms: float = 3 * HOUR_MS  # mean of the exponential
    dismiss: float = 0.35  # of those not opened

    # Fatigue: a decayed sum of what was shown
    fatigue_halves_ms: float = 3 * DAY_MS
    fatigue_irrelevant: float = 1.2  # added for an item of no interest, less with interest
    fatigue_bad_hour: float = 0.6  # added at the worst hours
    fatigue_repeated: float = 1.0  # added for an item that was pushed before
    fatigue_opened: float = -0.7  # an opened push is forgiven this much
    opt_out_per_push: float = 0.0012  # at fatigue equal to the user's patience
    opt_out_power: float = 2.0
    patience: float = 1.6  # median
    patience_spread: float = 0.6
    leaves_altogether: float = 0.2  # of those who opt out

    # Tastes and lives
    taste_halves_ms: float = 60 * DAY_MS  # after which half of all interests have given way to others
    new_passion_per_day: float = 0.01  # chance that a new interest takes the first place
    cart_lasts_ms: int = 3 * DAY_MS
    cart_cools_ms: float = 8 * HOUR_MS
    price_sensitivity: float = 0.5  # median
    joins_later: float = 0.10  # share of users who sign up during `join_within_ms`
    join_within_ms: int = 28 * DAY_MS
