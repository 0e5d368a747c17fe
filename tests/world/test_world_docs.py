"""The page on the world says what runs."""

import re

import numpy as np

from kairos.local.paths import project_root


def test_the_example_of_the_page_runs() -> None:
    page = (project_root() / "docs" / "world.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    p_open = names["p_open"]
    assert isinstance(p_open, np.ndarray)
    assert p_open.shape == (168,)
    assert 0 < p_open.min() < p_open.max() < 1
