"""Compares engines on one log: load, size, memory, seven questions, and whether answers agree.

Prints one Markdown table. Exits with 1 when two engines give different answers or one fails.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys

import report
from questions import draw

MODULES = {"duckdb": "duck", "chdb": "ch", "sqlite": "lite", "cahoots": "cahoots"}
HERE = os.path.dirname(os.path.abspath(__file__))


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", required=True, help="the log: one JSON object a line")
    parser.add_argument("--engines", default=",".join(MODULES), help="some of " + ", ".join(MODULES))
    parser.add_argument("--samples", type=int, default=50, help="parameter sets of each question")
    parser.add_argument("--seed", type=int, default=1, help="of the parameter sets")
    parser.add_argument("--data-dir", default="target/bench-data/peers", help="where the databases go")
    parser.add_argument("--cahoots", default="target/release/cahoots", help="the binary")
    parser.add_argument("--cahoots-load-rate", type=float, help="rows/s of `cargo bench --bench ingest`")
    parser.add_argument("--keep", action="store_true", help="leave the databases where they are")
    chosen = parser.parse_args()
    chosen.engines = [name.strip() for name in chosen.engines.split(",") if name.strip()]
    unknown = [name for name in chosen.engines if name not in MODULES]
    if unknown or not chosen.engines:
        parser.error(f"--engines: {', '.join(unknown) or 'none'} is none of {', '.join(MODULES)}")
    # cahoots is the last column whatever the order on the command line.
    chosen.engines.sort(key=lambda name: name == "cahoots")
    return chosen


def measure(name, chosen, sets):
    """One engine in its own process; its result, or None with the reason on stderr."""
    folder = os.path.join(os.path.abspath(chosen.data_dir), name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "db"))
    task, result = os.path.join(folder, "task.json"), os.path.join(folder, "result.json")
    with open(task, "w", encoding="utf-8") as file:
        options = {"cahoots": os.path.abspath(chosen.cahoots)}
        json.dump({"folder": os.path.join(folder, "db"), "file": os.path.abspath(chosen.file), "options": options, "sets": sets}, file)
    print(f"{name} ...", file=sys.stderr, flush=True)
    ended = subprocess.run([sys.executable, os.path.join(HERE, "child.py"), MODULES[name], task, result])
    try:
        if ended.returncode:
            print(f"{name}: ended with {ended.returncode}", file=sys.stderr)
            return None
        with open(result, encoding="utf-8") as file:
            return json.load(file)
    finally:
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    """Measures, prints, and says by its exit code whether the answers agree."""
    chosen = arguments()
    sets = draw(chosen.file, chosen.samples, chosen.seed)
    measured = [measure(name, chosen, sets) for name in chosen.engines]
    results = [result for result in measured if result]
    if not results:
        return 1
    print(report.table(results, sets, os.path.getsize(chosen.file), chosen.cahoots_load_rate))
    found = report.differences(results, sets)
    for sentence in found:
        print(sentence, file=sys.stderr)
    if found or len(results) < len(measured):
        return 1
    answers = sum(len(rows) for sample in results[0]["answers"].values() for rows in sample)
    asked = sum(len(sample) for sample in results[0]["answers"].values())
    print(f"\nAll {len(results)} engines gave equal answers: {asked} questions, {answers:,} rows.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
