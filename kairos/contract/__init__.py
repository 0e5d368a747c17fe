"""The contract with other teams: which topics there are, what is in them, and that neither breaks."""
