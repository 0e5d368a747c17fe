"""Code generation: runs the real compiler, and only when it has to."""

from pathlib import Path

import pytest

from kairos.errors import KairosError
from kairos.local.codegen import generate

NOTE = 'syntax = "proto3";\npackage kairos.v1;\nmessage Note { string text = 1; }\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proto" / "kairos" / "v1").mkdir(parents=True)
    write(tmp_path, "note", NOTE)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / "proto" / "kairos" / "v1" / f"{name}.proto").write_text(text)


def test_a_schema_becomes_python_with_a_type_stub(root: Path) -> None:
    assert generate(root) == 1
    package = root / "kairos" / "v1"
    assert "kairos/v1/note.proto" in (package / "note_pb2.py").read_text()
    assert "class Note" in (package / "note_pb2.pyi").read_text()
    assert (package / "__init__.py").is_file()


def test_schemas_import_each_other_by_the_name_of_the_package(root: Path) -> None:
    write(root, "letter", NOTE.replace("Note { string", "Letter { Note") + 'import "kairos/v1/note.proto";\n')
    generate(root)
    assert "from kairos.v1 import note_pb2" in (root / "kairos" / "v1" / "letter_pb2.py").read_text()


def test_a_second_run_compiles_nothing(root: Path) -> None:
    generate(root)
    assert generate(root) == 0


def test_a_changed_schema_is_compiled_again(root: Path) -> None:
    generate(root)
    write(root, "note", NOTE.replace("Note", "Memo"))
    assert generate(root) == 1
    assert "class Memo" in (root / "kairos" / "v1" / "note_pb2.pyi").read_text()


def test_generated_code_that_was_deleted_is_made_again(root: Path) -> None:
    generate(root)
    (root / "kairos" / "v1" / "note_pb2.py").unlink()
    assert generate(root) == 1


def test_the_code_of_a_schema_that_was_removed_goes_with_it(root: Path) -> None:
    write(root, "letter", NOTE.replace("Note", "Letter"))
    generate(root)
    (root / "proto" / "kairos" / "v1" / "letter.proto").unlink()
    generate(root)
    assert sorted(path.name for path in (root / "kairos" / "v1").glob("*_pb2.py*")) == ["note_pb2.py", "note_pb2.pyi"]


def test_a_schema_that_does_not_compile_is_named_and_the_old_code_stays(root: Path) -> None:
    generate(root)
    write(root, "note", NOTE.replace("string text", "strin text"))
    with pytest.raises(KairosError, match=r"kairos/v1/note.proto:3:16"):
        generate(root)
    assert "class Note" in (root / "kairos" / "v1" / "note_pb2.pyi").read_text()
    with pytest.raises(KairosError):  # the failure was not taken for a success
        generate(root)


def test_no_schemas_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="No schemas in"):
        generate(tmp_path)
