"""Bytes of the contract to values of the core and back. The only part of the job that knows protobuf."""
