"""The demo: pushes come out, and nothing stays behind however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from kairos.local import ports

KAIROS = Path(sys.executable).with_name("kairos")
SMALL = ("--users", "500", "--items", "200", "--rate", "100")


def test_a_speed_and_a_rate_are_refused_before_anything_is_started(tmp_path: Path) -> None:
    done = _kairos(tmp_path, "--speed", "2", "--rate", "3")
    assert done.returncode == 2
    assert "--speed and --rate exclude each other" in done.stderr
    assert not (tmp_path / "demo").exists()


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = _kairos(tmp_path, "--log", "nowhere.csv")
    assert done.returncode == 2
    assert "there is no file nowhere.csv" in done.stderr


def test_a_wrong_key_is_named_before_anything_is_started(tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("policy: {gates: {min_gab_ms: 5}}")
    done = _kairos(tmp_path, "--config", str(config))
    assert done.returncode == 2
    assert "did you mean policy.gates.min_gap_ms?" in done.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.kafka
def test_a_port_that_is_taken_is_an_error_if_it_was_asked_for(tmp_path: Path) -> None:
    with _listener() as port:
        done = _kairos(tmp_path, "--kafka-port", str(port))
    assert done.returncode == 1
    assert f"Port {port}, needed for the Kafka broker, is taken by process {os.getpid()}" in done.stderr


def test_a_port_for_the_page_that_is_taken_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with _listener() as port:
        done = _kairos(tmp_path, "--page-port", str(port))
    assert done.returncode == 1
    assert f"Port {port}, needed for the page, is taken by process {os.getpid()}" in done.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.e2e
def test_twenty_pushes_come_and_nothing_stays_behind(tmp_path: Path) -> None:
    with _demo(tmp_path, "--limit", "20", "--json", *SMALL) as demo:
        out, err = demo.communicate(timeout=500)
        assert demo.returncode == 0, err
    pushes = [json.loads(line) for line in out.splitlines()]
    assert len({push["command_id"] for push in pushes}) == 20
    assert all(push["user_id"] and push["item_ids"] and push["reason"] for push in pushes)
    assert "sent" in err
    assert "The page: http://127.0.0.1:" in err
    assert "Everything is stopped" in err
    assert _left_behind(tmp_path) == []
    assert [name for name in ("api-keys", "token-secrets", "vapid.pem") if (tmp_path / "demo" / name).exists()] == []


@pytest.mark.e2e
def test_without_collector_gateway_and_page_the_demo_goes_on(tmp_path: Path) -> None:
    nonsense = tmp_path / "sitecustomize.py"  # every program of the edge ends before it begins
    nonsense.write_text("import sys\nif {'collector', 'gateway', 'page'} & set(getattr(sys, 'orig_argv', [])): sys.exit('not today')")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    with _demo(tmp_path, "--limit", "1", "--json", *SMALL, PYTHONPATH=path) as demo:
        out, err = demo.communicate(timeout=500)
    assert demo.returncode == 0, err
    assert "There is no page: The collector ended before it was ready" in err
    assert len(out.splitlines()) == 1
    assert _left_behind(tmp_path) == []


@pytest.mark.e2e
def test_after_kill_9_nothing_stays_behind(tmp_path: Path) -> None:
    with _demo(tmp_path, "--json", *SMALL) as demo:
        assert demo.stdout is not None
        assert json.loads(demo.stdout.readline())["user_id"]  # all of it runs
        assert len(_left_behind(tmp_path)) > 3  # the demo itself, broker, job, world
        second = _kairos(tmp_path)
        assert f"A demo of this clone runs already (process {demo.pid})" in second.stderr
        demo.kill()
        demo.wait()
        deadline = time.monotonic() + 30
        while left := _left_behind(tmp_path):
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


@pytest.mark.e2e
def test_ctrl_c_ends_it_in_order(tmp_path: Path) -> None:
    with _demo(tmp_path, "--json", *SMALL) as demo:
        assert demo.stdout is not None
        demo.stdout.readline()
        demo.send_signal(signal.SIGINT)
        _, err = demo.communicate(timeout=60)
        assert demo.returncode == 130
    assert "Everything is stopped" in err
    assert _left_behind(tmp_path) == []


def _environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "KAIROS_HOME": str(home), **more}


def _kairos(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(KAIROS), "demo", *arguments], capture_output=True, text=True, check=False, timeout=120, env=_environment(home)
    )


@contextmanager
def _demo(home: Path, *arguments: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    argv = [str(KAIROS), "demo", "--kafka-port", str(ports.free_port()), "--ui-port", str(ports.free_port()), *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment(home, **variables)) as demo:
        try:
            yield demo
        finally:
            demo.kill()


@contextmanager
def _listener() -> Iterator[int]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def _left_behind(home: Path) -> list[str]:
    """Command lines of processes that know this test's folder; zombies have none."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        environ = process.info["environ"] or {}
        if process.pid != os.getpid() and environ.get("KAIROS_HOME") == str(home) and process.info["cmdline"]:
            found.append(" ".join(process.info["cmdline"])[:120])
    return found
