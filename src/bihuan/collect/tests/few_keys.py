"""The collector with so little memory for keys that a few events make it use files of them, and merge these."""

from __future__ import annotations

import sys

from bihuan.collect import key_files, seen_keys
from bihuan.collect.server import main

if __name__ == "__main__":
    seen_keys.IN_MEMORY, key_files.AT_ONCE = 20, 16
    sys.exit(main())
