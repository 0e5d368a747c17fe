"""Times and durations on the command line, and what is said when they are none."""

from datetime import UTC, datetime, tzinfo

from kairos.errors import USAGE_ERROR, KairosError


def moment_option(option: str, text: str | None, zone: tzinfo = UTC) -> int | None:
    """Milliseconds since the epoch; ``zone`` is that of a time which does not tell its own."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise usage_error(f"{option} {text}: this is no ISO 8601 time.", "Write it like 2017-10-03T03:00 or 2017-10-03.") from error
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)


def duration_option(option: str, text: str | None) -> int | None:
    """Milliseconds."""
    from kairos.logs.durations import duration_ms

    if text is None:
        return None
    try:
        return duration_ms(text)
    except ValueError as error:
        raise usage_error(f"{option}: {error}.", "Write a number and a unit: 48h, 2d, 90s.") from error


def usage_error(message: str, hint: str) -> KairosError:
    """A mistake in the command line: exit code 2."""
    return KairosError(message, hint, exit_code=USAGE_ERROR)
