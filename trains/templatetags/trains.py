"""Template tags of trains: panels that other apps plug in."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.loader import get_template
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def plugged(context: template.Context, panel: dict[str, Any]) -> SafeString:
    """The inside of a plugged-in panel, rendered with its own context, the request and the release."""
    inside = {"release": context.get("object"), **panel["context"]}
    return SafeString(get_template(panel["template"]).render(inside, context.get("request")))
