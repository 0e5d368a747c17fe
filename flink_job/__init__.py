"""The Kairos job: decides for every user, in real time, whether to push, what, and when."""

__version__ = "0.1.0"
