"""The child process that sets a PDF or PNG with typst, under limits it puts on itself first. Run alone; imports nothing of ours."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def main(source: str, target: str, fonts: str, moment: str, memory: str, seconds: str, form: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    import typst

    compiler = typst.Compiler(source, root=Path(source).parent, font_paths=[fonts], ignore_system_fonts=True)
    if form == "png":
        compiler.compile(output=target, format="png", ppi=144, timestamp=int(moment))
        return
    try:
        compiler.compile(output=target, format="pdf", timestamp=int(moment), pdf_standards=["ua-1"])
    except typst.TypstError as error:
        # PDF/UA forbids what our fonts cannot show (scripts beyond Latin, Greek and Cyrillic). Tagged it is all the same.
        if "could not be displayed" not in str(error):
            raise
        compiler.compile(output=target, format="pdf", timestamp=int(moment))


if __name__ == "__main__":
    main(*sys.argv[1:])
