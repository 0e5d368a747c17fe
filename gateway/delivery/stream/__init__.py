"""Pushes to connected users: a durable stream for each, over WebSocket and Server-Sent Events."""
