"""Names for the push commands of a run, such that every policy's pushes meet the same luck.

A world draws what becomes of a push from its command id (docs/world.md). Here a command is named after its user, its day and its place
among the user's pushes of that day, whatever its policy calls it: the first push of Tuesday to Ann is opened or not by the same draw under
every policy, and only the probability that the draw is held against is the policy's doing. That is what makes the comparison paired.

>>> names = CommandNames(start_ms=0)
>>> names.next(7, now_ms=3_600_000, own="from-the-policy"), names.next(7, now_ms=7_200_000)
('7/0/0', '7/0/1')
>>> names.own("7/0/0")
'from-the-policy'
"""

_DAY_MS = 86_400_000


class CommandNames:
    """One for a run. Keeps what the policy calls its own commands."""

    def __init__(self, start_ms: int) -> None:
        self._start_ms = start_ms
        self._count: dict[tuple[int, int], int] = {}
        self._own: dict[str, str] = {}

    def next(self, user: int, now_ms: int, own: str = "") -> str:
        """The name of the next command to this user; ``own``: what the policy calls it."""
        day = (now_ms - self._start_ms) // _DAY_MS
        place = self._count.get((user, day), 0)
        self._count[user, day] = place + 1
        name = f"{user}/{day}/{place}"
        if own:
            self._own[name] = own
        return name

    def own(self, name: str) -> str:
        """What the policy calls the command; the name itself if nothing else."""
        return self._own.get(name, name)
