"""The policies that are compared: each takes in what a world tells, step by step, and says what it wants to push."""
