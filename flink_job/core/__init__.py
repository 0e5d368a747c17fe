"""The product itself: pure Python and NumPy.

No Flink, no protobuf, no clock, no random source, no I/O: moments, knowledge and zones are arguments. `policy` composes the other
modules; they do not know each other. The same code runs in the Flink job, in the in-process runner and in the tests.
"""
