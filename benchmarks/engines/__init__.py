"""The shipped engine inside other engines. These programs run in an environment of their own (`requirements/bench.txt`), without Flink."""
