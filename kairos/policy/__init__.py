"""The policy from the shell: whether a document is one, what it would change, and its release to the jobs that follow it."""
