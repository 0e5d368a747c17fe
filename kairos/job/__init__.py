"""The life of the job from outside: run here, the demo, submission to a cluster, its status, and the package for other clusters.

*Contract*: the job itself is started as a process of its own (``python -m flink_job.main`` or ``flink run``); nothing here imports Flink.
"""
