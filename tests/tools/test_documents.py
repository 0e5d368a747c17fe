"""The documents point at what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.in")), ids=lambda path: path.name)
def test_every_dependency_has_its_reason(file: Path) -> None:
    told = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    asked = [re.split(r"[=<>\s;#[]", line)[0] for line in file.read_text(encoding="utf-8").splitlines() if re.match(r"[A-Za-z]", line)]
    assert [name for name in asked if not re.search(rf"(^|[|,`( ]){re.escape(name)}([|,`)\[ ]|$)", told, re.MULTILINE)] == []
