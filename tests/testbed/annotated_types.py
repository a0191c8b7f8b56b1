"""For the type checker: `Annotated[Train, Field("Train")]` is a Train.

The plugin of django-stubs reads the second part of an annotated model as a type (there it says which annotations a
queryset carries). In this product it is the label of a parameter, so it is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import AnalyzeTypeContext, Plugin
from mypy.types import Type


class AnnotatedParameters(Plugin):
    """Comes before the plugin of django-stubs; the first that answers is asked."""

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        if fullname in ("typing.Annotated", "typing_extensions.Annotated"):
            return _first
        return None


def _first(context: AnalyzeTypeContext) -> Type:
    return context.api.analyze_type(context.type.args[0])


def plugin(version: str) -> type[Plugin]:
    return AnnotatedParameters
