"""The measure of features, on worlds where the answer is known."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kairos.feed.compare import compare, nearest
from kairos.feed.evaluate import Score
from kairos.feed.features import ItemFeaturiser
from kairos.logs.log import Log
from kairos.logs.mapped import mapped_format
from kairos.logs.mapping_file import load_mapping

MAPPING = """
name: world
scenario: shop
file: {sorted: true}
events:
  user_id: user
  occurred_at: {column: at, unit: s}
  type: {constant: view}
  item_id: item
  context: {session_id: visit}
covisits: {group: visit, warm_up: 1h}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Log]:
    """Two hours of visits of five items, in each of which either only the items a0..a19 or only b0..b19 are seen."""
    random = np.random.default_rng(3)
    lines = ["user,at,item,visit"]
    for visit in range(1_440):
        kind = "ab"[int(random.integers(2))]
        items = random.permutation(20)[:5]
        lines += [f"u{visit},{5 * visit + at},{kind}{item},{visit}" for at, item in enumerate(items.tolist())]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    with Log(tmp_path / "log.csv", mapped_format(load_mapping(tmp_path / "mapping.yaml"), tmp_path / "log.csv", tmp_path)) as log:
        yield log


def test_features_that_know_the_two_worlds_beat_chance_and_random_ones_do_not(world: Log) -> None:
    scores = compare(world, ItemFeaturiser(64), warm_up_ms=3_600_000, step_ms=600_000, measure_from_ms=0, sample=1_000, seed=0)
    learned, control = scores["co-visits, first part only"], scores["random (control)"]
    assert learned.measured > 500
    # Half of the rivals are of the other world; among those of the same world it is a coin toss: 0.5 · 1 + 0.5 · 0.5.
    assert learned.auc == pytest.approx(0.75, abs=0.04)
    assert learned.auc_popular == pytest.approx(0.75, abs=0.04)
    assert control.auc == pytest.approx(0.5, abs=0.04)
    assert learned.cosine > learned.cosine_random + 0.2
    assert "content" not in scores  # there is none


def test_the_nearest_items_are_those_of_the_same_world(world: Log) -> None:
    found = nearest(world, ItemFeaturiser(64), ["a3", "nowhere"], 5)
    assert list(found) == ["a3"]
    assert found["a3"][0][1].item_id == "a3"
    assert all(record.item_id.startswith("a") for _cosine, record in found["a3"])


def test_scores_are_means_of_shares_beaten() -> None:
    score = Score(touches=2)
    score.add(0.5, np.float32([0.1, 0.9]), np.float32([0.5, 0.5]))
    score.add(0.95, np.float32([0.1, 0.9]), np.float32([0.1, 0.2]))
    assert (score.auc, score.auc_popular, score.hits) == (0.75, 0.75, 0.5)
    assert score.cosine == pytest.approx(0.725)
