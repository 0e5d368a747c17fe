"""The generated page on topics is the one that the file of topics gives."""

from kairos.contract.document import topics_document
from kairos.contract.topics import TOPICS
from kairos.local.paths import project_root


def test_docs_topics_is_current_run_kairos_topics_document_if_not() -> None:
    assert (project_root() / "docs" / "topics.md").read_text(encoding="utf-8") == topics_document(TOPICS)
