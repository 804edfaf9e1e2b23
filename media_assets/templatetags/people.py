"""What pages about one's own account ask."""

from typing import Any

from django import template

from media_assets.accounts import factors

register = template.Library()


@register.simple_tag(takes_context=True)
def must_set_up_factor(context: dict[str, Any]) -> bool:
    """Whether this person can do nothing else before."""
    return factors.is_missing(context["request"].user)
