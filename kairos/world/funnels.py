"""What follows a look at an item: in a shop, in a news application, in a social one.

Each function takes views and gives interactions (and, for the shop, what is to be sold). ``gain`` is how much more than usual an
item of this match is wanted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flink_job.core.signals import InteractionType as Type
from kairos.world.behaviour import Browsing, Funnel
from kairos.world.catalogue import Catalogue
from kairos.world.columns import NOBODY, Events, rows
from kairos.world.memory import Ints
from kairos.world.views import Views, Visits

_LONGEST_LOOK_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Teller:
    """Writes rows about views of one batch of visits."""

    visits: Visits
    views: Views
    catalogue: Catalogue

    def tell(self, kind: Type, which: NDArray[np.bool_] | Ints, after: float, **columns: object) -> Events:
        """Rows of one type for some of the views, ``after`` of their think time later."""
        views, visits = self.views, self.visits
        visit = views.visit[which]
        return rows(
            len(visit),
            at_ms=views.at_ms[which] + (after * views.think_ms[which]).astype(np.int64),
            user=views.user[which],
            type=kind,
            scenario=visits.scenario,
            session=visits.number[visit],
            command=visits.command[visit],
            **({"item": views.item[which]} | columns),
        )

    def looks(self) -> list[Events]:
        """Every view is one."""
        return [self.tell(Type.VIEW, np.ones(len(self.views.user), bool), 0.0)]

    def follows(self, which: NDArray[np.bool_]) -> Events:
        """Some views win a follower for the item's creator."""
        return self.tell(Type.FOLLOW, which, 0.8, creator=self.catalogue.creator[self.views.item[which]], item=NOBODY)


def gain(match: NDArray[np.float64], funnel: Funnel) -> NDArray[np.float64]:
    """1 for an item of mean interest."""
    times: NDArray[np.float64] = np.exp(funnel.interest_gain * (match - funnel.mean_match))
    return times


def shop(teller: Teller, browsing: Browsing, funnel: Funnel, price_sensitivity: NDArray[np.float32]) -> list[Events]:
    """Search, click, view, dwell, favourite. Carts and purchases are ``baskets``'s."""
    views = teller.views
    wanted = gain(views.match, funnel) * np.exp(-price_sensitivity[views.user] * teller.catalogue.dearness(views.item))
    looked_for = views.chosen & (views.luck[:, 0] < browsing.searches)
    listed = views.chosen & ~looked_for
    stayed = views.luck[:, 1] < funnel.dwell
    return [
        *teller.looks(),
        _search(teller, looked_for),
        _before(teller.tell(Type.CLICK, listed, 0.0), 400),
        teller.tell(Type.DWELL, stayed, 0.95, dwell_ms=_look_ms(views, stayed)),
        teller.tell(Type.FAVOURITE, views.luck[:, 2] < funnel.favourite * wanted, 0.5),
        teller.follows(views.luck[:, 3] < funnel.follow * wanted),
    ]


def news(teller: Teller, funnel: Funnel) -> list[Events]:
    """View, read through, share, comment, save."""
    views = teller.views
    wanted = gain(views.match, funnel)
    read = views.luck[:, 0] < np.minimum(funnel.read_through * np.sqrt(wanted), 0.95)
    how_far = 1 - views.luck[:, 1] ** (1 + 2 * np.clip(views.match, 0, 1))
    return [
        *teller.looks(),
        teller.tell(Type.READ_THROUGH, read, 0.95, dwell_ms=_look_ms(views, read), completion=how_far[read]),
        teller.tell(Type.SHARE, views.luck[:, 2] < funnel.share_news * wanted, 0.9),
        teller.tell(Type.COMMENT, views.luck[:, 3] < funnel.comment_news * wanted, 0.9),
        teller.tell(Type.FAVOURITE, views.luck[:, 4] < funnel.save_news * wanted, 0.3),
        teller.follows(views.luck[:, 5] < funnel.follow * wanted),
    ]


def social(teller: Teller, funnel: Funnel, clips: NDArray[np.bool_]) -> list[Events]:
    """View or watch, like, comment, repost, follow, hide. ``clips``: which of the views are of moving pictures."""
    views = teller.views
    wanted = gain(views.match, funnel)
    how_far = 1 - views.luck[:, 6] ** (1 + 2 * np.clip(views.match, 0, 1))
    return [
        *teller.looks(),
        teller.tell(Type.VIDEO_WATCH, clips, 0.95, dwell_ms=_look_ms(views, clips), completion=how_far[clips]),
        teller.tell(Type.LIKE, views.luck[:, 0] < funnel.like * wanted, 0.6),
        teller.tell(Type.COMMENT, views.luck[:, 1] < funnel.comment_post * wanted, 0.8),
        teller.tell(Type.REPOST, views.luck[:, 2] < funnel.repost * wanted, 0.85),
        teller.tell(Type.HIDE, views.luck[:, 4] < funnel.hide * np.exp(-4 * np.maximum(views.match, 0)), 0.7),
        teller.follows(views.luck[:, 3] < funnel.follow * wanted),
    ]


def _search(teller: Teller, which: NDArray[np.bool_]) -> Events:
    return _before(teller.tell(Type.SEARCH, which, 0.0, item=NOBODY, query=teller.views.item[which]), 900)


def _before(events: Events, by_ms: int) -> Events:
    """People search and click before they see; never before the visit, which begins a second before its first view."""
    events["at_ms"] -= by_ms
    return events


def _look_ms(views: Views, which: NDArray[np.bool_]) -> Ints:
    looked: Ints = np.minimum(0.9 * views.think_ms[which], _LONGEST_LOOK_MS).astype(np.int64)
    return looked
