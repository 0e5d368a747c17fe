"""For stores of versions that did not tell addresses apart."""

ONE_USER_EACH = """
DELETE FROM devices WHERE (user_id, device_id, channel) IN (
  SELECT user_id, device_id, channel FROM (
    SELECT user_id, device_id, channel, first_value(user_id) OVER (PARTITION BY address_id ORDER BY at_ms DESC, user_id) AS its_user
    FROM devices WHERE address_id <> ''
  ) AS known WHERE user_id <> its_user
)
"""
"""An address that is one device's alone is left to the user who registered it last. For SQLite and PostgreSQL."""
