"""What is declared once in Python (labels, helps, choices, verbs, sentences) in the language of the page.

Declarations stay plain English: the API, the schema, the ledger and files read them as they are. Pages translate them
where they draw them, with our own catalogue alone: the libraries' catalogues know some of the words in other senses.
"""

from __future__ import annotations

import gettext as catalogues
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, to_locale

from releasetrain.kernel.refusals import Refusal


def said(text: Any) -> str:
    """The declared text in the language of the page; as it is declared where nobody has translated it."""
    plain = str(text or "")
    return _catalogue(get_language() or settings.LANGUAGE_CODE).gettext(plain) if plain else ""


def refused(refusal: Refusal) -> Refusal:
    """A refusal as a page says it. Sentences made of the facts of a case stay as they were made."""
    from dataclasses import replace

    return replace(refusal, sentence=said(refusal.sentence), remedy=said(refusal.remedy))


@lru_cache(maxsize=8)
def _catalogue(language: str) -> catalogues.NullTranslations:
    return catalogues.translation(
        "django", settings.LOCALE_PATHS[0], languages=[to_locale(language)], fallback=True
    )
