"""Text of unknown origin, made fit to be printed and drawn."""

import re

UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, which could steer a terminal, marks of the writing direction, and lone surrogates."""


def make_visible(text: str) -> str:
    """Return a text whose unprintable characters are written as escape sequences."""
    return UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
