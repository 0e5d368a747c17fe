"""Dense numbers for names, given in the order they turn up."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kairos.feed.sparse import Ints


class Numbering:
    """0, 1, 2, … for texts (or integers) that keep coming in columns."""

    def __init__(self) -> None:
        self._numbers: dict[str | int, int] = {}
        self._names: list[str | int] = []

    def __len__(self) -> int:
        return len(self._names)

    def numbers(self, column: pa.Array) -> Ints:
        """One for each value, (n,); new names get new numbers. The column has no nulls."""
        encoded = pc.dictionary_encode(column)
        of_dictionary = np.array([self._number(name) for name in encoded.dictionary.to_pylist()], np.int64)
        numbers: Ints = of_dictionary[encoded.indices.to_numpy()]
        return numbers

    def number_of(self, name: str) -> int | None:
        """None for a name that did not turn up."""
        return self._numbers.get(name)

    def name(self, number: int) -> str:
        """The text that got this number."""
        return str(self._names[number])

    def _number(self, name: str | int) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number
