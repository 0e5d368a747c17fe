"""The catalogue feed: what an item *is*, as the vector ``F_i`` of the score ``s_ui = I_u · F_i + α · r_ui``.

``features`` builds it from content (categories, words, price), ``covisits`` from what people saw together where there is no
content, ``catalogue`` puts both together for a whole log, ``evaluate`` measures what they are worth. docs/features.md has the
formulas and the numbers.
"""
