"""numpy, imported when first used: a process that shows no figures does not pay for it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
else:

    class _Numpy:
        def __getattr__(self, name: str) -> Any:
            value = getattr(import_module("numpy"), name)
            self.__dict__[name] = value
            return value

    np = _Numpy()

__all__ = ["np"]
