"""The schemas: in order, and unbroken since each release. A broken one is refused: that is shown, not assumed."""

import shutil
from pathlib import Path

import pytest

from kairos.contract import buf
from kairos.errors import KairosError
from kairos.local.paths import project_root

SCHEMAS = project_root() / "proto"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The schemas in a folder of one's own, with a release made from them."""
    folder = tmp_path / "proto"
    shutil.copytree(SCHEMAS, folder, ignore=shutil.ignore_patterns("golden", "released"))
    buf.release(folder, "v1")
    return folder


def test_style_comments_and_format_are_as_agreed() -> None:
    buf.lint(SCHEMAS)


def test_nothing_that_was_released_is_broken() -> None:
    assert "v1" in buf.breaking(SCHEMAS)


@pytest.mark.parametrize(
    ("file", "before", "after", "complaint"),
    [
        ("interaction.proto", "  string event_id = 1;\n", "", 'Previously present field "1" with name "event_id"'),
        ("item.proto", "  int64 updated_at_ms = 2;", "  string updated_at_ms = 2;", 'changed type from "int64" to "string"'),
        ("push.proto", "  string user_id = 2;", "  string person_id = 2;", 'changed name from "user_id" to "person_id"'),
        ("push.proto", "  string user_id = 2;", "  string user_id = 99;", 'Previously present field "2"'),
        ("decision.proto", "  VERDICT_SENT = 1;\n", "", 'Previously present enum value "1"'),
        ("signal.proto", "    Nudge nudge = 3;\n", "", 'Previously present field "3" with name "nudge"'),
    ],
)
def test_a_breaking_change_is_refused_and_named(copy: Path, file: str, before: str, after: str, complaint: str) -> None:
    _replace(copy / "kairos" / "v1" / file, before, after)
    with pytest.raises(KairosError, match=r"break what was released as v1") as refused:
        buf.breaking(copy)
    assert complaint in refused.value.message
    assert file in refused.value.message


def test_a_release_of_broken_schemas_is_refused_and_leaves_nothing(copy: Path) -> None:
    _replace(copy / "kairos" / "v1" / "item.proto", "  int64 updated_at_ms = 2;", "  string updated_at_ms = 2;")
    with pytest.raises(KairosError, match="break what was released"):
        buf.release(copy, "v1.1")
    assert [image.stem for image in buf.released_images(copy)] == ["v1"]


def test_a_new_field_breaks_nothing_until_it_is_released_and_taken_away_again(copy: Path) -> None:
    item = copy / "kairos" / "v1" / "item.proto"
    before = "  double editorial_boost = 26;\n"
    _replace(item, before, before + "  // Grams.\n  double weight = 27;\n")
    assert buf.breaking(copy) == ("v1",)
    buf.release(copy, "v1.1")
    _replace(item, "  // Grams.\n  double weight = 27;\n", "")
    with pytest.raises(KairosError, match=r"released as v1\.1"):
        buf.breaking(copy)


def test_a_release_is_never_overwritten(copy: Path) -> None:
    with pytest.raises(KairosError, match="was released before"):
        buf.release(copy, "v1")


def test_a_field_without_a_comment_is_refused(copy: Path) -> None:
    _replace(
        copy / "kairos" / "v1" / "item.proto",
        "  double editorial_boost = 26;\n",
        "  double editorial_boost = 26;\n  int32 n = 27;\n",
    )
    with pytest.raises(KairosError, match=r"item\.proto.*comment"):
        buf.lint(copy)


def test_releases_are_ordered_by_number_not_by_letter(tmp_path: Path) -> None:
    (tmp_path / "released").mkdir()
    for name in ("v1.10", "v1.2", "v1"):
        (tmp_path / "released" / f"{name}.binpb").touch()
    assert [image.stem for image in buf.released_images(tmp_path)] == ["v1", "v1.2", "v1.10"]


def _replace(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
