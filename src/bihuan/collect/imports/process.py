"""A process of its own for what takes memory, so that console and worker stay small: `look` at a file, `run` an import.

`python -m bihuan.collect.imports.process look` reads {path or spec, given, …} from standard input and writes a preview;
`… run ID` does the import of that record. Exit codes of `run`: 0 done, 1 cannot be done as it is, 3 may succeed later.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

DONE, CANNOT, LATER = 0, 1, 3


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["look"]:
        return _look(json.load(sys.stdin))
    return _run(int(arguments[1]))


def _look(asked: dict[str, Any]) -> int:
    from bihuan.collect.imports.errors import ImportProblem
    from bihuan.collect.imports.preview import preview
    from bihuan.collect.imports.source import FileSource, Source

    try:
        source: Source = FileSource(Path(asked["path"])) if "path" in asked else _source(asked)
    except ImportProblem as error:
        values = {name: str(value) for name, value in error.values.items()}
        json.dump({"columns": [], "cells": [], "problem": [error.msgid, values]}, sys.stdout)
        return DONE
    found = preview(source, asked["given"], guess=asked["guess"], zone=asked["zone"], currency=asked.get("currency", ""))
    json.dump(found, sys.stdout)
    return DONE


def _source(asked: dict[str, Any]) -> Any:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
    django.setup()
    from bihuan.collect.imports.connections import source_of_spec
    from bihuan.collect.imports.definition import ImportSpec
    from bihuan.govern.models import Project

    return source_of_spec(Project.objects.get(pk=asked["project"]), ImportSpec.model_construct(**asked["spec"]))


def _run(pk: int) -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
    django.setup()
    from bihuan.collect.imports.errors import ImportProblem
    from bihuan.collect.imports.uploads import import_run
    from bihuan.engine.errors import EngineError

    try:
        import_run(pk)
    except ImportProblem as problem:
        print(problem, file=sys.stderr)
        return CANNOT
    except EngineError as error:
        print(error, file=sys.stderr)
        return LATER
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
