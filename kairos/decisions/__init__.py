"""What can be learned from logged decisions after the fact."""
