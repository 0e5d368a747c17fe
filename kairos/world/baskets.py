"""Carts, purchases and returns of a shop: what becomes of items that people look at, and of what they left in the cart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flink_job.core.signals import InteractionType as Type
from kairos.world.behaviour import DAY_MS, Funnel
from kairos.world.catalogue import Catalogue
from kairos.world.columns import Events, rows
from kairos.world.curves import Habit
from kairos.world.funnels import Teller, gain
from kairos.world.habits import Habits
from kairos.world.lifecycle import Lifecycle
from kairos.world.memory import LONG_AGO_MS, Ints
from kairos.world.people import People

_CHECKOUT_MS = 45_000
_SENT_BACK_AFTER_MS = (3 * DAY_MS, 14 * DAY_MS)


@dataclass(frozen=True, slots=True)
class Sales:
    """Purchases to be made; all (n,) but ``luck``, which decides on the return."""

    luck: NDArray[np.float64]  # (n, 2)
    user: Ints
    item: Ints
    at_ms: Ints
    session: Ints
    command: Ints
    quantity: Ints


class Till:
    """Sells what is there: stock falls, people remember, and some of it comes back."""

    def __init__(self, people: People, catalogue: Catalogue, lifecycle: Lifecycle, funnel: Funnel) -> None:
        self._people, self._catalogue, self._lifecycle, self._funnel = people, catalogue, lifecycle, funnel

    def sell(self, sales: Sales) -> tuple[list[Events], NDArray[np.bool_]]:
        """Interactions of the sales that could be made, and which could."""
        made = self._lifecycle.sell(sales.item, sales.quantity, sales.at_ms)
        user, item, at_ms = sales.user[made], sales.item[made], sales.at_ms[made]
        value = np.round(self._catalogue.price[item] * sales.quantity[made], 2)
        common = {
            "user": user,
            "scenario": self._catalogue.scenario[item],
            "item": item,
            "quantity": sales.quantity[made],
            "value": value,
            "session": sales.session[made],
            "ordered": True,
        }
        led = {"command": sales.command[made]}
        checkout = rows(len(user), at_ms=at_ms - _CHECKOUT_MS // 3, type=Type.CHECKOUT, **common, **led)
        purchase = rows(len(user), at_ms=at_ms, type=Type.PURCHASE, **common, **led)
        back = sales.luck[made, 0] < self._funnel.returned
        least, most = _SENT_BACK_AFTER_MS
        returns = rows(len(user), at_ms=at_ms + (least + sales.luck[made, 1] * (most - least)).astype(np.int64), type=Type.RETURN, **common)
        self._people.bought.note(user, item, at_ms)
        self._people.cart.forget(user, item)
        return [checkout, purchase, returns[back]], made


def shop_baskets(teller: Teller, people: People, catalogue: Catalogue, habits: Habits, funnel: Funnel, till: Till) -> list[Events]:
    """What is put into the cart, taken out, bought, and left, at these views."""
    views = teller.views
    if not len(views.user):
        return []
    bought = people.bought.when(views.user, views.item) > LONG_AGO_MS
    has_it = bought & catalogue.durable(views.item)
    wanted = gain(views.match, funnel) * np.exp(-people.price_sensitivity[views.user] * catalogue.dearness(views.item)) * ~has_it
    hour = habits.at(Habit.CONVERTING, views.user, views.at_ms)
    carted = views.luck[:, 4] < funnel.cart * wanted
    at_once = ~carted & (views.luck[:, 4] < (funnel.cart + funnel.buy_at_once * hour) * wanted)
    bought_now = at_once | (carted & (views.luck[:, 5] < np.minimum(funnel.buy_from_cart * hour, 0.9)))
    removed = carted & ~bought_now & (views.luck[:, 6] < funnel.remove_from_cart)

    price = catalogue.price[views.item]
    left = carted & ~bought_now & ~removed
    people.cart.note(views.user[left], views.item[left], views.at_ms[left])
    sold, _ = till.sell(_sales(teller, np.nonzero(bought_now)[0], views.item[bought_now]))
    return [
        teller.tell(Type.CART, carted, 0.6, quantity=1, value=price[carted]),
        teller.tell(Type.REMOVE_FROM_CART, removed, 0.9, quantity=1, value=price[removed]),
        *sold,
    ]


def left_carts(
    teller: Teller, people: People, catalogue: Catalogue, habits: Habits, funnel: Funnel, lasts_ms: int, till: Till
) -> list[Events]:
    """At the first view of a visit, what was left in the cart days ago may be bought after all."""
    views = teller.views
    first = np.nonzero(views.first)[0]
    user, at_ms = views.user[first], views.at_ms[first]
    item = people.cart.newest(user, at_ms - lasts_ms, at_ms)
    hour = habits.at(Habit.CONVERTING, user, at_ms)
    there = (item >= 0) & ~catalogue.gone[item] & (catalogue.stock[item] != 0)
    buys = there & (views.luck[first, 7] < funnel.buy_left_cart * hour)
    which = first[buys]
    sold, _ = till.sell(_sales(teller, which, item[buys]))
    return sold


def _sales(teller: Teller, which: Ints, item: Ints) -> Sales:
    views, visits = teller.views, teller.visits
    visit = views.visit[which]
    durable = teller.catalogue.durable(item)
    return Sales(
        user=views.user[which],
        item=item,
        at_ms=views.at_ms[which] + (0.6 * views.think_ms[which]).astype(np.int64) + _CHECKOUT_MS,
        session=visits.number[visit],
        command=visits.command[visit],
        quantity=np.where(durable, 1, 1 + (views.luck[which, 6] * 3).astype(np.int64)),
        luck=views.luck[which][:, [3, 2]],
    )
