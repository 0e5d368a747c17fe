"""Delivery: push commands from Kafka to devices, and what became of them back to Kafka."""
