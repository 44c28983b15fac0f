"""Bursts of writes for one customer, from several processes with one state folder that are killed in between, against a
sandbox that fails on purpose. Then the books are held against every verdict: done, not done, or unknown.
`python benchmarks/soak_bursts.py` makes 2,000 writes from 4 processes; it ends with status 1 on a wrong verdict.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from soak import HERE, KINDS, sandbox
from soak_bursts_worker import Journal

from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.store import Store

RECORDS = {"create_invoice": "invoice", "create_estimate": "estimate", "record_payment": "payment"}


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--faults", type=float, default=10.0, help="per cent of the requests")
    parser.add_argument("--kill-every", type=int, default=50, help="writes between two kills; 0: none")
    parser.add_argument("--hurry", type=float, default=1.0, help="pauses between tries and looks, times this")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", default="", metavar="FOLDER", help="keep books and journals there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(options.keep or name)
        figures, wrong = soak(options, folder)
    for label, value in figures.items():
        print(f"{label:<34}{value}")
    for text in wrong:
        print(f"WRONG: {text}")
    print(f"{'wrong verdicts':<34}{len(wrong)}")
    return 1 if wrong else 0


def soak(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The figures, and the verdicts that the books contradict."""
    rates = [1_000_000, 100_000_000, 20]
    with sandbox(folder, rates) as (environment, http):
        share = f"{options.faults / len(KINDS):.3f}%"
        http.post("/sandbox/faults", json={"rules": [f"* *:{kind}:{share}" for kind in KINDS]}).raise_for_status()
        started = time.monotonic()
        kills = run_workers(options, folder, environment, rates)
        seconds = time.monotonic() - started
        seen = http.get("/sandbox/faults").json()
    told = outcomes(folder, options.processes)
    store = Store.open(folder / "books.db")
    wrong = list(wrong_verdicts(told, marks_in(store)))
    store.close()
    results = Counter(outcome for list_of in told.values() for outcome in list_of if outcome != "begun")
    figures = {
        "writes": sum(results.values()),
        **{f"  told: {name}": count for name, count in sorted(results.items())},
        "processes killed": kills,
        "  in the middle of a write": sum(is_cut_off(list_of) for list_of in told.values()),
        "faults": sum(seen["hits"].values()),
        "requests": sum(seen["codes"].values()) + sum(seen["hits"].values()),
        "seconds": f"{seconds:.1f}",
        "seed": options.seed,
    }
    return figures, wrong


def run_workers(options: argparse.Namespace, folder: Path, environment: Mapping[str, str], rates: list[int]) -> int:
    """Run all processes to their end; a killed one is started again. Gives the number of kills."""
    customer_id = customer_in(folder)
    chance = random.Random(options.seed)

    def start(number: int) -> subprocess.Popen[bytes]:
        given = {
            "number": number, "calls": options.calls // options.processes, "seed": options.seed,
            "hurry": options.hurry, "rates": rates, "folder": str(folder), "customer_id": customer_id,
        }  # fmt: skip
        command = [sys.executable, str(HERE / "soak_bursts_worker.py"), json.dumps(given)]
        return subprocess.Popen(command, env={**os.environ, **environment})

    workers = {number: start(number) for number in range(options.processes)}
    at_start, kills = dict.fromkeys(workers, 0), 0
    while any(worker.poll() is None for worker in workers.values()):
        time.sleep(0.05)
        lines = {number: lines_in(folder, number) for number in workers}
        busy = [n for n, worker in workers.items() if worker.poll() is None and lines[n] > at_start[n]]
        if busy and options.kill_every and sum(lines.values()) > 2 * options.kill_every * (kills + 1):
            number = chance.choice(busy)
            workers[number].kill()
            workers[number].wait()
            at_start[number], kills = lines_in(folder, number), kills + 1
            workers[number] = start(number)
    assert all(worker.returncode == 0 for worker in workers.values()), "a process of the soak died"
    return kills


def lines_in(folder: Path, number: int) -> int:
    """How much a process and its predecessors wrote down."""
    path = folder / f"journal-{number}.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def customer_in(folder: Path) -> str:
    """The one customer that everything is for."""
    store = Store.open(folder / "books.db")
    try:
        return str(store.books(CREDENTIALS.organization_id).all("contact")[0]["contact_id"])
    finally:
        store.close()


def outcomes(folder: Path, processes: int) -> dict[str, list[str]]:
    """What was told of each mark, in order; `begun` before each."""
    found: dict[str, list[str]] = {}
    for number in range(processes):
        for entry in Journal(folder / f"journal-{number}.jsonl").entries():
            found.setdefault(entry["mark"], []).append(entry["outcome"])
    return found


def marks_in(store: Store) -> Counter[tuple[str, str]]:
    """How often the books hold a record with this reference, or this amount where it has none."""
    books = store.books(CREDENTIALS.organization_id)
    found: Counter[tuple[str, str]] = Counter()
    for kind in RECORDS.values():
        for record in books.all(kind):
            amount = record["amount"] if kind == "payment" else record["line_items"][0]["rate"]
            found[kind, record["reference_number"] or f"{float(amount):.2f}"] += 1
    return found


def wrong_verdicts(told: Mapping[str, list[str]], books: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Records that are there twice, are missing although they were said to be made, or the other way round."""
    for mark, list_of in told.items():
        tool, _, own = mark.partition(":")
        process, number = map(int, own.split("-"))
        name = mark if number % 2 else f"{1 + process * 10_000 + number / 100:.2f}"
        count = books.get((RECORDS[tool], name), 0)
        if count > 1:
            yield f"{mark}: there {count} times ({', '.join(list_of)})"
        if "done" in list_of and not count:
            yield f"{mark}: told to be there, and is not ({', '.join(list_of)})"
        if set(list_of) == {"begun", "not done"} and not is_cut_off(list_of) and count:
            yield f"{mark}: told not to be there, and is ({', '.join(list_of)})"


def is_cut_off(list_of: list[str]) -> bool:
    """Whether a process was killed while it made this call."""
    return ("begun", "begun") in pairwise(list_of) or list_of[-1] == "begun"


if __name__ == "__main__":
    sys.exit(main())
