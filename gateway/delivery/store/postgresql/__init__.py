"""A store in PostgreSQL, shared by gateways on any number of machines."""
