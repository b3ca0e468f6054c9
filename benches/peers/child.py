"""One engine in its own process: loads, is asked everything, writes what it measured.

Arguments: the engine's module, a JSON file with the task, a file for the result.
"""

import importlib
import json
import sys

from questions import QUESTIONS, normal


def main():
    """Measures one engine."""
    module, task_path, result_path = sys.argv[1:4]
    with open(task_path, encoding="utf-8") as file:
        task = json.load(file)
    source = importlib.import_module(module)
    engine = source.Engine(task["folder"], task["options"])
    try:
        seconds, rows = engine.load(task["file"])
        result = {
            "name": engine.name,
            "version": engine.version,
            "how": engine.how,
            "durable": source.DURABLE,
            "rows": rows,
            "load_seconds": seconds,
            "disk_bytes": engine.disk_bytes(),
            "load_peak_bytes": engine.peak_rss_bytes(),
            "answers": {},
            "seconds": {},
            "failures": {},
        }
        for question in QUESTIONS:
            ask_all(engine, question, task["sets"][question], result)
        result["peak_bytes"] = engine.peak_rss_bytes()
        result["end_disk_bytes"] = engine.disk_bytes()
    finally:
        engine.close()
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)


def ask_all(engine, question, sets, result):
    """Asks one question with every parameter set; one that fails does not hide the others."""
    answers, seconds = [], []
    try:
        for params in sets:
            took, rows = engine.ask(question, params)
            seconds.append(took)
            answers.append(normal(question, rows))
    except Exception as error:
        result["failures"][question] = f"{type(error).__name__}: {error}"
    result["answers"][question] = answers
    result["seconds"][question] = seconds


if __name__ == "__main__":
    main()
