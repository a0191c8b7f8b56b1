"""Write what there is to translate, bring each language up to date with it, and compile."""

from __future__ import annotations

from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand

from releasetrain.interface.extraction import catalogue
from releasetrain.kernel.locales import LANGUAGES

# Without the places that say a text: any search of the source finds them, and they were three quarters of the files.
_FORM = {"width": 110, "sort_output": True, "no_location": True, "ignore_obsolete": True}


class Command(BaseCommand):
    """``manage.py write_messages``: django.pot, then django.po and django.mo of each language."""

    help = "Write locale/: what there is to translate, and the languages brought up to date and compiled."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.LOCALE_PATHS[0]
        found = catalogue()
        # English is the language of the sources: it has what there is to translate and no translation.
        template = folder / "en" / "LC_MESSAGES" / "django.pot"
        template.parent.mkdir(parents=True, exist_ok=True)
        with template.open("wb") as file:
            write_po(file, found, omit_header=True, **_FORM)
        self.stdout.write(f"{len(found)} messages in {template.relative_to(settings.BASE_DIR)}")
        for language in LANGUAGES:
            path = folder / language / "LC_MESSAGES" / "django.po"
            if not path.exists():
                continue
            with path.open("rb") as file:
                told = read_po(file, locale=language, domain="django")
            told.update(found, no_fuzzy_matching=True, update_header_comment=False)
            with path.open("wb") as file:
                write_po(file, told, **_FORM)
            with path.with_suffix(".mo").open("wb") as file:
                write_mo(file, told)
            done = sum(1 for message in told if message.id and _whole(message.string))
            self.stdout.write(f"{language}: {done} of {len(found)} translated")


def _whole(string: Any) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)
