"""Several kinds of features of one log, side by side: measured against each other, or looked at."""

from collections.abc import Sequence

import numpy as np

from kairos.feed.catalogue import Catalogue
from kairos.feed.evaluate import Evaluation, Score
from kairos.feed.features import ItemFeaturiser, Vector
from kairos.feed.items import ItemRecord
from kairos.feed.projection import SignProjection
from kairos.logs.log import Log
from kairos.logs.order import AT_MS
from kairos.logs.skipped import SkippedRows
from kairos.logs.survey import read_item_file
from kairos.logs.window import Window

PUBLISHED = "as published"
_KEPT_UP = "co-visits, kept up"


def compare(
    log: Log,
    featuriser: ItemFeaturiser,
    *,
    warm_up_ms: int,
    step_ms: int,
    measure_from_ms: int = 0,
    until_ms: int | None = None,
    sample: int = 500,
    seed: int = 0,
) -> dict[str, Score]:
    """Scores by kind of features, the published ones among them and random ones as the control; see ``evaluate``."""
    catalogue = Catalogue(log.format, featuriser)
    window = _learn(log, catalogue, warm_up_ms, until_ms)
    first = {record.item_id for record in catalogue.items}
    nothing = np.zeros(featuriser.dim, np.float32)
    control = SignProjection(featuriser.dim)

    def once(record: ItemRecord) -> Vector:
        return catalogue.covisits(record) if record.item_id in first else nothing

    evaluation = Evaluation(
        catalogue,
        {
            "content": catalogue.content,
            "co-visits, first part only": once,
            _KEPT_UP: catalogue.covisits,
            PUBLISHED: catalogue.features,
            "random (control)": lambda record: control.vector(record.item_id),
        },
        moving=frozenset({_KEPT_UP, PUBLISHED}),
        sample=sample,
        seed=seed,
    )
    evaluation.run(log, window, step_ms, measure_from_ms)
    return {name: score for name, score in evaluation.scores.items() if score.measured}


def nearest(log: Log, featuriser: ItemFeaturiser, item_ids: Sequence[str], count: int) -> dict[str, list[tuple[float, ItemRecord]]]:
    """For each of the items that are there, itself and its ``count`` nearest by cosine, learned from the whole log."""
    catalogue = Catalogue(log.format, featuriser)
    for rows in log.rows():
        catalogue.learn(rows)
    catalogue.settle()
    read_item_file(log, catalogue, SkippedRows())
    records = list(catalogue.items)
    matrix = np.stack([catalogue.features(record) for record in records])
    row_of = {record.item_id: row for row, record in enumerate(records)}
    found: dict[str, list[tuple[float, ItemRecord]]] = {}
    for item_id in item_ids:
        if item_id in row_of:
            cosines = matrix @ matrix[row_of[item_id]]
            best = np.argsort(-cosines, kind="stable")[: count + 1]
            found[item_id] = [(float(cosines[row]), records[row]) for row in best.tolist()]
    return found


def _learn(log: Log, catalogue: Catalogue, warm_up_ms: int, until_ms: int | None) -> Window:
    window: Window | None = None
    for rows in log.rows():
        if window is None:
            window = Window(rows.column(AT_MS)[0].as_py() + warm_up_ms, until_ms)
        before = window.before(rows)
        if not before.num_rows:
            break
        catalogue.learn(before)
    catalogue.settle()
    read_item_file(log, catalogue, SkippedRows())
    return window or Window(0)
