"""Fuzzes one protocol: `python -m bench.fuzz --protocol sensors --minutes 10`. What is found is kept in `.fuzz/<protocol>/found/`.

The first input that is answered by a 5xx (but 503), raises an exception, or takes more than two seconds ends the run with code 1.
`--again FILE` sends one such input once more; `--replay` sends the whole corpus, and says what was answered and which part of the
protocol's lines ran.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import sys
from pathlib import Path
from typing import Any

atheris: Any = importlib.import_module("atheris")  # no dependency: `make fuzz` installs it

with atheris.instrument_imports(include=["bihuan.collect"]):
    from bench.fuzz.app import KEY, Harness
    from bench.fuzz.lines import Lines
    from bench.fuzz.requests import dictionary, request_of, seeds
    from bihuan.collect.protocols import PROTOCOLS, posthog, segment, sensors
    from bihuan.collect.protocols.events_schema import FIELDS
    from bihuan.collect.webhooks.presets import PRESETS

FOLDER = Path(".fuzz")
BY_NAME = {protocol.__name__.rpartition(".")[2]: protocol for protocol in PROTOCOLS}
RECORDS = (segment.Call, posthog.Capture, sensors.Record)


def main() -> None:
    """Fuzz until the time is over or something is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protocol", choices=sorted(BY_NAME), required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--again", type=Path)
    parser.add_argument("--replay", action="store_true")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    folder = FOLDER / asked.protocol
    harness, routes = Harness(folder / "data"), BY_NAME[asked.protocol].ROUTES

    def once(data: bytes) -> None:
        harness.send(request_of(data, routes, KEY))

    if asked.again:
        once(asked.again.read_bytes())
        return
    options = _prepared(folder, routes, asked.minutes)
    if asked.replay:
        lines = Lines(asked.protocol)
        with lines:
            for path in sorted([*(folder / "corpus").iterdir(), *(folder / "seeds").iterdir()]):
                once(path.read_bytes())
        print("answers:", dict(sorted(harness.statuses.items())))
        print(lines.report())
        return
    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


def _prepared(folder: Path, routes: Any, minutes: float) -> list[str]:
    """libFuzzer's options, with the corpus to begin with written down."""
    for name in ("corpus", "seeds", "found"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    samples = [json.loads(preset.sample) for preset in PRESETS]
    for place, data in enumerate(seeds(routes, samples)):
        (folder / "seeds" / f"{place:05}").write_bytes(data)
    words = sorted({*FIELDS, *(name for record in RECORDS for name in record.__struct_encode_fields__)})
    (folder / "words").write_text(dictionary(words))
    return [
        str(folder / "corpus"),
        str(folder / "seeds"),
        f"-dict={folder / 'words'}",
        f"-artifact_prefix={folder / 'found'}/",
        f"-max_total_time={round(minutes * 60)}",
        "-max_len=60000",
        "-timeout=30",
        "-rss_limit_mb=1500",
        "-print_final_stats=1",
    ]


if __name__ == "__main__":
    main()
