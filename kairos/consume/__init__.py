"""The example of a downstream consumer: reads push commands, once each, and shows them. Start reading at ``consumer.py``."""
