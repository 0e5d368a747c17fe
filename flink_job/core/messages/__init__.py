"""What a push says: a template for the trigger, the scenario and the language, one of several arms, filled in from the item.

`writer` composes the rest: `pattern` (the braces), `facts` (what may stand in them), `money` (prices in words), `text` (clean and short enough),
`arms` (which wording, and what is learned about it).
"""
