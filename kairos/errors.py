"""The one error a user is meant to read.

*Contract*: raise ``KairosError`` for whatever a user can cause or cure (a port that is taken, a wrong key, no
network). The command line prints ``message`` and ``hint`` without a traceback and exits with ``exit_code``.
Everything else is a bug and keeps its traceback.
"""

RUNTIME_FAILURE = 1
USAGE_ERROR = 2


class KairosError(Exception):
    """One sentence that names the field, port or file, and one that says what to do about it."""

    def __init__(self, message: str, hint: str = "", *, exit_code: int = RUNTIME_FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message
