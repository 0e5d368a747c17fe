"""Fixtures that several storeys share: a real Kafka broker for the session, and topic names of one's own for each test."""

import itertools
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from kairos.local.kafka import EmbeddedKafka

_numbers = itertools.count(1)

# A shell that runs the tests in the background has Ctrl-C ignored, by them and by what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "ci", derandomize=True, database=None, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", max_examples=3_000, deadline=None)
settings.load_profile("ci")  # the same examples in every run; look for new ones with --hypothesis-profile=explore


@pytest.fixture(scope="session")
def kafka() -> Iterator[EmbeddedKafka]:
    """One broker for all tests of a session, on a free port. Tests share it, so each uses topics under ``topic_prefix``."""
    with EmbeddedKafka() as broker:
        yield broker


@pytest.fixture
def topic_prefix() -> str:
    """A prefix no other test of this session has, such as ``t4711-3.``."""
    return f"t{os.getpid()}-{next(_numbers)}."
