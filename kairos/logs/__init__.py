"""Replaying logs: files of what users did, read as columns and sent as signals.

``registry`` knows the logs, ``files`` reads them, ``order`` puts them in order of time, a ``LogFormat`` says what their columns
mean, ``encode`` makes records of them, ``pacing`` says when each is due and ``replay`` does it all. docs/replay.md is the manual.
"""
