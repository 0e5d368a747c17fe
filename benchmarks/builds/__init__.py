"""The programs that are compared, each started and stopped in the same way."""
