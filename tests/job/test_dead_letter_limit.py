"""From what share of bad records on the job gives up."""

import pytest

from flink_job.dead_letter_limit import DeadLetterLimit, TooManyDeadLetters


def test_a_topic_of_garbage_fails_when_the_share_of_the_sample_is_passed() -> None:
    limit = DeadLetterLimit(share=0.5, sample=100)
    for _ in range(50):
        limit.bad("garbage")
    with pytest.raises(TooManyDeadLetters, match=r"51 of the last 51 records .* because: garbage\. .*limits\.dead_letter_share"):
        limit.bad("garbage")


def test_good_records_are_counted_in_what_the_error_says() -> None:
    limit = DeadLetterLimit(share=0.1, sample=100)
    for _ in range(20):
        limit.good()
    for _ in range(10):
        limit.bad("garbage")
    with pytest.raises(TooManyDeadLetters, match="11 of the last 31 records"):
        limit.bad("garbage")


def test_half_of_the_records_may_be_bad_for_ever() -> None:
    limit = DeadLetterLimit(share=0.5, sample=10)
    for _ in range(1000):
        limit.bad("garbage")
        limit.good()


def test_all_may_be_bad_if_the_share_says_so() -> None:
    limit = DeadLetterLimit(share=1.0, sample=10)
    for _ in range(1000):
        limit.bad("garbage")
