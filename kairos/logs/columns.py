"""Arrow columns as what an event needs: text, numbers. What cannot be read becomes null, and only that.

Arrow's own casts refuse the whole column for one bad value; here the column is cast at once if it can be, and else without the
values that are not numbers.

>>> import pyarrow as pa
>>> as_number(pa.array(["2.5", " 7 ", "many", None])).to_pylist()
[2.5, 7.0, None, None]
>>> as_text(pa.array([17850.0, None])).to_pylist()
['17850', None]
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LIST_SEPARATOR = "\x1f"  # joins the values of a list; splits them again
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def as_text(array: pa.Array) -> pa.Array:
    """Strings; whole floating-point numbers without the ".0" that a column with gaps gets in other tools; lists joined."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pc.binary_join(pc.cast(array, pa.list_(pa.string())), LIST_SEPARATOR)
    if pa.types.is_floating(kind):
        whole = pc.equal(array, pc.floor(array))
        integers = pc.cast(pc.if_else(whole, array, None), pa.int64(), safe=False)
        return pc.if_else(whole, pc.cast(integers, pa.string()), pc.cast(array, pa.string()))
    return pc.cast(array, pa.string())


def as_number(array: pa.Array) -> pa.Array:
    """float64; null where the text is no finite decimal number."""
    array = _readable(array)
    numbers = pc.cast(array, pa.float64())
    return pc.if_else(pc.is_finite(numbers), numbers, None)


def as_integer(array: pa.Array) -> pa.Array:
    """int64, exact; null where the text is no whole number."""
    if pa.types.is_integer(array.type):
        return pc.cast(array, pa.int64())
    if pa.types.is_string(array.type):
        text = pc.utf8_trim_whitespace(array)
        text = null_where(text, pc.invert(pc.match_substring_regex(text, r"^[+-]?\d{1,18}$")))
        return pc.cast(pc.utf8_ltrim(text, "+"), pa.int64())
    numbers = as_number(array)
    whole = pc.and_(pc.equal(numbers, pc.floor(numbers)), pc.less(pc.abs(numbers), 2.0**53))
    return pc.cast(pc.if_else(whole, numbers, None), pa.int64())


def text_list(array: pa.Array) -> list[str]:
    """As Python strings, "" for null."""
    filled = pc.fill_null(as_text(array), "")
    texts: list[str] = filled.to_numpy(zero_copy_only=False).tolist()
    return texts


def floats(array: pa.Array) -> NDArray[np.float64]:
    """0 for null."""
    values: NDArray[np.float64] = pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False)
    return values


def integers(array: pa.Array) -> NDArray[np.int64]:
    """0 for null."""
    values: NDArray[np.int64] = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
    return values


def replace(array: pa.Array, table: dict[str, str], otherwise: str | None) -> pa.Array:
    """Text by ``table``; what it does not have becomes ``otherwise``."""
    encoded = as_text(array).dictionary_encode()
    words = pa.array([table.get(word, otherwise) for word in encoded.dictionary.to_pylist()], pa.string())
    return pc.take(words, encoded.indices)


def null_where(text: pa.Array, unwanted: pa.Array) -> pa.Array:
    """Text without the values where ``unwanted`` is true or null.

    Not ``if_else(unwanted, None, text)``, which returns other bytes than those of a sliced column (apache/arrow#41479, in 16.1).
    """
    return pc.replace_with_mask(text, unwanted, pa.scalar(None, pa.string()))


def is_blank(array: pa.Array) -> pa.Array:
    """True for null, "" and spaces."""
    text = as_text(array)
    return pc.or_kleene(pc.is_null(text), pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(pc.fill_null(text, ""))), 0))


def _readable(array: pa.Array) -> pa.Array:
    if not pa.types.is_string(array.type):
        return array
    text = pc.utf8_trim_whitespace(array)
    return null_where(pc.utf8_ltrim(text, "+"), pc.invert(pc.match_substring_regex(text, _NUMBER)))
