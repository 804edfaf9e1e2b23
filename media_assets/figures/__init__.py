"""Figures of the uploads: counted into a summary table, kept up to date, read back by filters."""

from media_assets.figures.counting import end_of, figures_of_uploads, start_of
from media_assets.figures.keeper import Keeper
from media_assets.figures.refreshing import (
    rebuild,
    recount_until,
    refresh,
    refresh_for_page,
)
from media_assets.figures.showing import Shown
from media_assets.figures.tallies import Figures, Tally, figures_of

__all__ = [
    "Figures",
    "Keeper",
    "Shown",
    "Tally",
    "end_of",
    "figures_of",
    "figures_of_uploads",
    "rebuild",
    "recount_until",
    "refresh",
    "refresh_for_page",
    "start_of",
]
