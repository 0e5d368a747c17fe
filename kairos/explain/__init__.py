"""Why a user got a push, or got none, told from the decision log. Start reading at ``explain.py``."""
