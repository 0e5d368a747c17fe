"""What items, creators and segments learn from all users: the core of the item operator. Pure, like the rest of the core."""
