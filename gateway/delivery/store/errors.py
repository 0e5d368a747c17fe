"""What may happen to a transaction of a store."""


class TransactionLostError(Exception):
    """It did not happen, for a reason that passes: the server went away, or two transactions stood in each other's way. Run it again."""


class StoreEndedError(Exception):
    """The store's thread has ended: of what was asked for, nobody knows whether it took place, and nothing more will."""
