"""Answers compared, and one Markdown table."""

from datetime import datetime, timezone

from machine import describe
from questions import QUESTIONS

SHOWN_MAX = 5


def differences(results, sets):
    """Sentences about every question on which engines differ or one has failed."""
    found = []
    first = results[0]
    for other in results[1:]:
        if other["rows"] != first["rows"]:
            found.append(f"rows: {first['name']} has {first['rows']}, {other['name']} has {other['rows']}")
    for question in QUESTIONS:
        for result in results:
            if question in result["failures"]:
                found.append(f"{question}: {result['name']} failed: {result['failures'][question]}")
        for other in results[1:]:
            found += _differing(question, sets[question], first, other)
    return found


def _differing(question, sets, first, other):
    found = []
    pairs = zip(sets, first["answers"][question], other["answers"][question])
    for number, (params, left, right) in enumerate(pairs):
        if left == right:
            continue
        left_set, right_set = ({tuple(row) for row in rows} for rows in (left, right))
        asked = {name: value for name, value in params.items() if name != "accounts"}
        found.append(
            f"{question} #{number} {asked}: {first['name']} has {len(left)} rows, {other['name']} {len(right)};"
            f" only {first['name']}: {_some(left_set - right_set)}; only {other['name']}: {_some(right_set - left_set)}"
        )
    return found


def _some(rows):
    rows = sorted(rows, key=str)
    more = f" and {len(rows) - SHOWN_MAX} more" if len(rows) > SHOWN_MAX else ""
    return f"{rows[:SHOWN_MAX]}{more}"


def quantile(values, share):
    """The nearest-rank quantile."""
    values = sorted(values)
    return values[min(len(values) - 1, max(0, -(-len(values) * share // 100) - 1))]


def table(results, sets, file_bytes, load_rate):
    """The table; `load_rate` is a rate of cahoots that another client measured, or None."""
    rows = max(result["rows"] for result in results)
    lines = [
        f"{datetime.now(timezone.utc):%Y-%m-%d}, {describe()}; {rows:,} rows of {file_bytes / rows:.0f} bytes.",
        "",
        "| | " + " | ".join(f"{r['name']} {r['version']}" for r in results) + " |",
        "|---" * (len(results) + 1) + "|",
    ]

    def line(label, cell):
        lines.append(f"| {label} | " + " | ".join(cell(result) for result in results) + " |")

    line("how", lambda r: r["how"])
    line("load, rows/s", lambda r: _rate(r, load_rate))
    line("durable when acknowledged", lambda r: r["durable"])
    line(
        "bytes an event on disk: after load / at the end",
        lambda r: f"{r['disk_bytes'] / r['rows']:.0f} / {r['end_disk_bytes'] / r['rows']:.0f}",
    )
    line(
        "peak memory, MB: load / with questions",
        lambda r: f"{r['load_peak_bytes'] / 1e6:.0f} / {r['peak_bytes'] / 1e6:.0f}",
    )
    for question, label in QUESTIONS.items():
        answers = results[0]["answers"][question]
        mean = sum(map(len, answers)) / max(1, len(answers))
        asked = f"n={len(sets[question])}, {mean:,.1f} rows each"
        line(f"{label}: p50 / p99 ms ({asked})", lambda r: _latency(r["seconds"][question]))
    lines += ["", "In process: until the rows are values of Python. HTTP: until the last byte of the answer."]
    return "\n".join(lines)


def _rate(result, load_rate):
    rate = f"{result['rows'] / result['load_seconds']:,.0f}"
    if result["name"] == "cahoots" and load_rate:
        return f"{load_rate:,.0f} ({rate} from Python)"
    return rate


def _latency(seconds):
    if not seconds:
        return "failed"
    return " / ".join(_ms(quantile(seconds, share) * 1_000) for share in (50, 99))


def _ms(value):
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
