"""What is made of measurements: medians, ratios, verdicts, percentiles."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.latency import Latency, percentile
from benchmarks.plan import DEFAULT, QUICK
from benchmarks.report import WIDTH, report
from benchmarks.result import FlatRun, Result
from benchmarks.run import chosen_parts, write
from benchmarks.session import Session
from benchmarks.targets import targets
from benchmarks.throughput import Throughput
from benchmarks.usage import Usage
from kairos.errors import KairosError


def throughput(events_per_s: float, *, complete: bool = True) -> Throughput:
    return Throughput(
        events_per_s=events_per_s,
        cpu_us=1e6 / events_per_s,
        broker_cpu_us=10.0,
        rss_mib=1_500.0,
        events_counted=450_000,
        events_reached=600_000,
        complete=complete,
        push_share=0.08,
    )


def latency(rate: int, p50_ms: float, p99_ms: float) -> Latency:
    return Latency(rate, 5_000, p50_ms, p50_ms, p99_ms, p99_ms, p99_ms, build_cores=0.4, client_latest_ms=3.0)


def measured(**rates: list[float]) -> Result:
    result = Result(DEFAULT)
    for name, values in rates.items():
        result.titles[name] = name
        result.sessions[name] = [Session(throughput(value), [latency(4_000, 5.0, 20.0)]) for value in values]
    return result


def verdicts(result: Result) -> dict[str, str]:
    return {target.text: target.verdict for target in targets(result)}


def test_a_ratio_is_taken_within_each_round_before_the_median() -> None:
    result = measured(kairos=[30_000, 10_000, 20_000], bytewax=[20_000, 8_000, 10_000])  # 1.5, 1.25, 2.0
    assert result.ratio("kairos", "bytewax") == 1.5
    assert result.events_per_s("kairos") == 20_000


def test_a_build_that_ran_once_is_compared_with_every_round() -> None:
    assert measured(kairos=[30_000, 10_000], textbook=[500]).ratio("kairos", "textbook") == (60 + 20) / 2


def test_what_was_not_measured_has_no_ratio_and_is_not_met() -> None:
    result = measured(kairos=[30_000])
    assert result.ratio("kairos", "quix") is None
    assert verdicts(result)["at least level with the core inside Quix Streams"] == "not measured"


@pytest.mark.parametrize(("rate", "verdict"), [(25_000, "met"), (24_999, "MISSED")])
def test_the_throughput_target(rate: float, verdict: str) -> None:
    assert next(iter(verdicts(measured(kairos=[rate])).values())) == verdict


def test_a_rate_with_fewer_users_than_the_target_asks_for_does_not_meet_it() -> None:
    result = measured(kairos=[90_000])
    result.plan = QUICK
    assert next(iter(verdicts(result).values())) == "not measured"


def test_a_slower_size_than_four_fifths_of_the_fastest_is_not_flat() -> None:
    result = measured(kairos=[30_000])
    for size, rate in ((10_000, 30_000.0), (100_000, 25_000.0), (1_000_000, 23_000.0)):
        result.flat.append(FlatRun("users", size, Session(throughput(rate))))
    for size, rate in ((1_000, 30_000.0), (100_000, 25_000.0)):
        result.flat.append(FlatRun("items", size, Session(throughput(rate))))
    flat = {text: verdict for text, verdict in verdicts(result).items() if text.startswith("flat")}
    assert list(flat.values()) == ["MISSED", "met"]


@pytest.mark.parametrize("count", [1, 4, 10, 99, 1_000])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 0.999])
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(count: int, share: float) -> None:
    values = [float(number) for number in range(1, count + 1)]
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * count
    assert found == 1.0 or sum(value < found for value in values) < share * count


def test_cpu_between_readings_is_interpolated() -> None:
    usage = Usage([0.0, 1_000.0, 2_000.0], {"build": [1.0, 2.0, 4.0]}, {"build": [100.0, 300.0, 200.0]})
    assert usage.cpu_between("build", 500.0, 1_500.0) == 1.5  # from 1.5 to 3.0 seconds
    assert usage.peak_rss_mib("build", 0.0, 2_000.0) == 300.0


def test_the_report_prints_ratios_verdicts_and_failures_and_is_written_as_json_and_picture(tmp_path: Path) -> None:
    result = measured(kairos=[30_000, 32_000], bytewax=[25_000, 20_000], textbook=[300])
    result.sessions["textbook"] = [Session(throughput(300, complete=False))]
    result.failures.append("core inside Quix Streams (quix-0): it ended")
    console = Console(width=WIDTH, record=True, file=Path(tmp_path / "out").open("w"), highlight=False)  # noqa: SIM115
    for part in report(result):
        console.print(part)
    text = console.export_text()
    assert "1.40" in text  # median of 1.2 and 1.6
    assert "textbook *" in text
    assert "it ended" in text
    assert "met" in text
    assert "…" not in text
    document, picture = write(result, tmp_path)
    read = json.loads(document.read_text())
    assert [session["throughput"]["events_per_s"] for session in read["sessions"]["kairos"]] == [30_000, 32_000]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_parts_are_chosen_by_letter_or_word() -> None:
    assert chosen_parts("a,d") == {"kairos", "engine"}
    assert chosen_parts("c, textbook") == {"bytewax", "quix", "textbook"}
    assert len(chosen_parts(None)) == 6
    with pytest.raises(KairosError, match="'x'"):
        chosen_parts("a,x")


def test_a_plan_has_enough_pushes_for_its_percentiles() -> None:
    for plan in (QUICK, DEFAULT):
        for rate in plan.rates:
            assert rate * plan.latency_s * 0.05 >= 100, "p99 of fewer than 100 pushes is the largest of them"
