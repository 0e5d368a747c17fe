"""What a gateway remembers, and shares with the others."""
