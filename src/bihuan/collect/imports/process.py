"""A process of its own for what takes memory, so that console and worker stay small: `look` at a file, `run` an import.

`python -m bihuan.collect.imports.process look` reads {path, given, guess, zone} from standard input and writes a preview;
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
        from bihuan.collect.imports.preview import preview

        asked: dict[str, Any] = json.load(sys.stdin)
        json.dump(preview(Path(asked["path"]), asked["given"], guess=asked["guess"], zone=asked["zone"]), sys.stdout)
        return DONE
    return _run(int(arguments[1]))


def _run(pk: int) -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bihuan.console.settings")
    django.setup()
    from bihuan.collect.imports.errors import ImportProblem
    from bihuan.collect.imports.uploads import import_upload
    from bihuan.engine.errors import EngineError

    try:
        import_upload(pk)
    except ImportProblem as problem:
        print(problem, file=sys.stderr)
        return CANNOT
    except EngineError as error:
        print(error, file=sys.stderr)
        return LATER
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
