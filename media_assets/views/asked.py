"""What a page says that it asked about."""

import re


def number_asked(text: str) -> int:
    """How many uploads; 0 for anything that no page of ours sends."""
    return int(text) if re.fullmatch("[0-9]{1,6}", text, re.ASCII) else 0
