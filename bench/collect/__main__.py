"""`python -m bench.collect` is `python -m bench.collect.run`."""

from __future__ import annotations

import sys

from bench.collect.run import main

if __name__ == "__main__":
    sys.exit(main())
