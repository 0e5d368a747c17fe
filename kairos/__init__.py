"""Kairos: real-time, personalised push decisions on Apache Flink.

This package holds what runs beside the job: the ``kairos`` command, the local machinery it drives, and the
generated contract (``kairos.v1``). The job itself is the package ``flink_job``.
"""

__version__ = "0.1.0"
