"""Control catalogues read from files: OSCAL JSON, plain JSON or CSV. Pure: bytes in, controls or named faults out."""

from .oscal import read_profile
from .reading import read_catalogue
from .text import CatalogueFaults, CatalogueText, ControlText, Fault

__all__ = ["CatalogueFaults", "CatalogueText", "ControlText", "Fault", "read_catalogue", "read_profile"]
