"""Which of the product's apps bring a module of a given name, e.g. ``pages.urls``."""

from __future__ import annotations

from pathlib import Path

from django.apps import apps
from django.conf import settings


def own_folders() -> dict[str, Path]:
    """The product's own apps and their folders; installed packages mean other things by the same names."""
    root = Path(settings.BASE_DIR)
    found = {config.name: Path(config.path) for config in apps.get_app_configs()}
    return {
        name: path
        for name, path in found.items()
        if path.is_relative_to(root) and "site-packages" not in path.parts
    }


def modules(name: str) -> list[str]:
    """Full names of the modules, in the order of the installed apps."""
    module = Path(*name.split("."))
    files = (module.with_suffix(".py"), module / "__init__.py")
    return [
        f"{app}.{name}" for app, path in own_folders().items() if any((path / f).is_file() for f in files)
    ]
