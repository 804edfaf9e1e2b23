"""The stock Django admin for operations, connectors, people and the audit list."""

from media_assets.admin import audit, connectors, operations, people

__all__ = ["audit", "connectors", "operations", "people"]
