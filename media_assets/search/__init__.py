"""Finding uploads by any part of their texts; `models/search.py` says what is looked through.

A search never reads the whole table. A term that few uploads have is looked up first, and the
filters are applied to those (`Search.few`). For one that many have, a list is walked in its order
and each row asked whether it fits, which soon fills a page.
"""

from media_assets.search.terms import MOST_TERMS, Search, pieces_of, search_for

__all__ = ["MOST_TERMS", "Search", "pieces_of", "search_for"]
