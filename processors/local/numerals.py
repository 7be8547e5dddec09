"""Whole numbers in words."""

from collections.abc import Iterable

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_GROUPS = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"))


def spelled(number: int) -> str:
    """`forty five`, `two hundred and six`; from a trillion on, the digits one by one."""
    if number < 0:
        return f"minus {spelled(-number)}"
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_SMALL[ones]}" if ones else "")
    if number < 1_000:
        hundreds, rest = divmod(number, 100)
        return f"{_SMALL[hundreds]} hundred" + (f" and {spelled(rest)}" if rest else "")
    for size, name in _GROUPS:
        if size <= number < size * 1_000:
            groups, rest = divmod(number, size)
            joint = " and " if rest < 100 else " "
            return f"{spelled(groups)} {name}" + (joint + spelled(rest) if rest else "")
    return digits(str(number))


def digits(number: str) -> str:
    """`four two zero seven`."""
    return " ".join(_SMALL[int(digit)] for digit in number)


def duration(seconds: int) -> str:
    """`1 hour, 5 minutes and 30 seconds`."""
    said: list[str] = []
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count:
            said.append(f"{count} {unit}" if count == 1 else f"{count} {unit}s")
    return listed(said) if said else "0 seconds"


def listed(things: Iterable[str], *, joint: str = "and") -> str:
    """`one, two and three`; there is at least one."""
    *most, last = things
    return f"{', '.join(most)} {joint} {last}" if most else last
