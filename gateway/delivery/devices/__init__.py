"""Which devices a user has: told by the user's own browser or app, or by a UserUpdate."""
