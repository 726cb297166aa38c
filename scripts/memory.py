"""Print the resident memory of a running Bihuan, process by process: `make memory`.

RSS is what the kernel shows for each process; pages that several share are counted in each. PSS shares them out, so that its sum is
what all of them take together.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bihuan.engine.config import Config

LIMIT = 1024  # MB


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, default=Path(".demo"))
    data = options.parse_args().data
    said = Config(data.absolute()).announced("serve") if data.is_dir() else None
    if said is None or not Path(f"/proc/{said['pid']}").exists():
        print(f"Nothing serves {data} now; start it first.")
        return 1
    total_rss = total_pss = 0.0
    print(f"{'process':<22}{'pid':>8}{'RSS MB':>10}{'PSS MB':>10}")
    for pid in family(int(said["pid"])):
        rss, pss = memory(pid)
        total_rss, total_pss = total_rss + rss, total_pss + pss
        print(f"{name(pid):<22}{pid:>8}{rss:>10.1f}{pss:>10.1f}")
    print(f"{'together':<30}{total_rss:>10.1f}{total_pss:>10.1f}   {'under' if total_rss < LIMIT else 'OVER'} 1 GB")
    return 0


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return [pid, *(below for child in children for below in family(child))]


def memory(pid: int) -> tuple[float, float]:
    """RSS and PSS in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return sizes["Rss"], sizes["Pss"]


def name(pid: int) -> str:
    """What the process is for, from its command line."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    module = next((words[at + 1] for at, word in enumerate(words) if word == "-m" and at + 1 < len(words)), "")
    if not module:
        return "console's worker" if any("multiprocessing" in word for word in words) else Path(words[0]).name
    return module.removeprefix("bihuan.")[-21:]


if __name__ == "__main__":
    sys.exit(main())
