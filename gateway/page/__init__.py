"""The page of the demo: a shop with news and social corners, and beside it what Kairos believes about the one who looks."""
