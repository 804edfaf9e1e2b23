"""Realistic history for a demonstration or a benchmark: the same for the same number of uploads."""

from media_assets.management.seeding.filling import Filled, fill

__all__ = ["Filled", "fill"]
