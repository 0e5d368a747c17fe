"""Indexes over the catalogue, by which candidates are found without scanning it.

One promise holds for all of them: an answer is a function of the items that are listed, the arguments and nothing else. Not of the order in
which items came, of what was deleted in between, of row numbers, of earlier questions, nor of a rebuild after a restore. That is why every
tie is broken by recency and item key, and why graphs (HNSW) and trained partitions (k-means) are not used here; see
docs/decisions/0003-nearest-neighbours.md.

Time may go backwards between two questions (users' event times differ), so what has expired is put aside, never thrown away.
"""
