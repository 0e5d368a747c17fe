"""``kairos check`` of a file that is no configuration; this needs no broker."""

from pathlib import Path

from kairos.check.finding import Level
from kairos.check.run import run_checks


def test_a_slip_in_the_yaml_is_one_finding(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("kafka:\n  group_id: [a, b\njob: {}\n")
    first, rest = run_checks(path)
    assert (first.level, rest.level) == (Level.FAIL, Level.SKIP)
    assert first.detail == f"{path}: is not YAML: line 3, column 4: expected ',' or ']', but got ':'"


def test_each_wrong_key_is_a_finding_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("kafkaa: {}\njob: {namee: x}\n")
    *wrong, rest = run_checks(path)
    assert [finding.detail.split(":")[0] for finding in wrong] == ["kafkaa", "job.namee"]
    assert rest.level is Level.SKIP
