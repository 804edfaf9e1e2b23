"""The stock Django admin for operations, connectors, people and the audit list."""

from media_assets.admin import audit, connectors, groups, operations, people

__all__ = ["audit", "connectors", "groups", "operations", "people"]
