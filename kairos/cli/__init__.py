"""The ``kairos`` command: one thin module per group of commands."""
