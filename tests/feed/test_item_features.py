"""Content features: what they promise, whatever an item is called."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kairos.feed.features import BlockWeights, ItemFeaturiser, to_bytes
from kairos.feed.projection import SignProjection
from kairos.feed.tokens import category_tokens, price_tokens, word_tokens

DIM = 64
texts = st.text(max_size=40)


@given(st.lists(texts, max_size=5), texts, st.none() | st.floats())
def test_features_have_length_one_or_are_zero_whatever_the_item_says(categories: list[str], text: str, price: float | None) -> None:
    vector = ItemFeaturiser(DIM).features(categories=categories, text=text, price=price)
    assert vector.shape == (DIM,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5) or not vector.any()


def test_the_same_content_has_the_same_bytes_for_ever() -> None:
    """These bytes are in the compacted topics and the states of running jobs: a change is a migration, not a refactoring."""
    vector = ItemFeaturiser(8).features(categories=["Home", "Kitchen"], text="Red mug", price=8.0)
    assert [round(float(x), 4) for x in vector] == GOLDEN


GOLDEN = [0.5011, 0.1818, -0.5011, -0.4153, -0.1818, 0.5011, 0.0034, -0.0892]


def test_two_tokens_share_nothing_on_average_and_a_token_all_with_itself() -> None:
    projection = SignProjection(DIM)
    vectors = np.stack([projection.vector(f"category:{n}") for n in range(2_000)])
    products = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    assert np.allclose((vectors**2).sum(axis=1), 1.0, atol=1e-5)
    assert abs(float(products.mean())) < 0.001  # 2 million pairs of deviation 1/8: the mean's is below 0.0001
    assert float(products.std()) == pytest.approx(DIM**-0.5, rel=0.02)


def test_siblings_share_the_upper_half_of_their_path() -> None:
    only_categories = ItemFeaturiser(512, BlockWeights(categories=1, words=0, price=0))
    mugs = only_categories.features(categories=["Home", "Mugs"])
    cups = only_categories.features(categories=["Home", "Cups"])
    drills = only_categories.features(categories=["Tools", "Drills"])
    assert float(mugs @ cups) == pytest.approx(0.5, abs=0.1)  # one of two tokens in common
    assert float(mugs @ drills) == pytest.approx(0.0, abs=0.1)


def test_a_long_title_does_not_outweigh_the_category() -> None:
    featuriser = ItemFeaturiser(512)
    long = featuriser.features(categories=["Tools"], text=" ".join(f"word{n}" for n in range(100)))
    category = featuriser.features(categories=["Tools"])
    assert float(long @ category) == pytest.approx(0.5**0.5, abs=0.08)  # two blocks of length 1 at right angles


def test_prices_next_to_each_other_are_alike_and_doublings_apart_are_not() -> None:
    only_price = ItemFeaturiser(512, BlockWeights(categories=0, words=0, price=1))
    below, above, far = (only_price.features(price=price) for price in (7.99, 8.01, 64.0))
    assert float(below @ above) > 0.99
    assert abs(float(below @ far)) < 0.2


@pytest.mark.parametrize("price", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_says_nothing(price: float | None) -> None:
    assert price_tokens(price) == {}


def test_words_are_compared_without_case_width_and_repetition() -> None:
    assert word_tokens("RED red Ｒｅｄ") == {"word:red": 1.0}
    assert category_tokens([" Home ", "", "Mugs"]) == {"category:home": 1.0, "category:home/mugs": 1.0}


def test_an_item_without_content_has_no_features_on_the_wire() -> None:
    assert to_bytes(ItemFeaturiser(DIM).features()) == b""
    assert len(to_bytes(ItemFeaturiser(DIM).features(text="mug"))) == 4 * DIM
