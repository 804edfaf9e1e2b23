"""How long uploads took, as counts in classes that can be added up and give median and p95.

A class is 1.2 times as wide as the one before. A value read from a class is its geometric middle,
so it is off by a factor of √1.2 at most: 9.6 % above, 8.8 % below. Only what took less than a
quarter of a second or more than about six days falls out of that: it is put into the first or the
last class.

The counts of all classes are one large integer with 32 bits for each, because adding two such
integers adds every class at once; that is what makes a year of them quick to sum. Stored, it is
its bytes, lowest class first, without zeros at the end.
"""

import math
from collections.abc import Iterator

RATIO = 1.2
SHORTEST = 0.25  # seconds; where the first class begins
CLASSES = 80
BITS = 32
_MASK = (1 << BITS) - 1
_LOG = math.log(RATIO)


def one(seconds: float) -> int:
    """The histogram of one upload."""
    if seconds <= SHORTEST:
        return 1
    return 1 << BITS * min(math.floor(math.log(seconds / SHORTEST) / _LOG), CLASSES - 1)


def pack(histogram: int) -> bytes:
    return histogram.to_bytes((histogram.bit_length() + 7) // 8, "little")


def unpack(stored: bytes | memoryview) -> int:
    return int.from_bytes(stored, "little")


def quantile(histogram: int, *, percent: int) -> float | None:
    """Seconds that so many of a hundred did not exceed; None when there are none."""
    counts = list(_counts(histogram))
    wanted = max(-(-percent * sum(counts) // 100), 1)
    for position, count in enumerate(counts):
        wanted -= count
        if wanted <= 0:
            return float(SHORTEST * RATIO ** (position + 0.5))
    return None


def _counts(histogram: int) -> Iterator[int]:
    while histogram:
        yield histogram & _MASK
        histogram >>= BITS
