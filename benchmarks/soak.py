"""Mixed calls from several processes against a sandbox that fails on purpose; then its books are held against what the
callers were told. `python benchmarks/soak.py` runs 2,000 calls from 4 processes; it ends with status 1 on a violation.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from zoho_mcp.sandbox.balances import settled_of
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.store import Books, Store

HERE = Path(__file__).parent
KINDS = (
    "status=502", "status=503", "status=504", "status=500", "status-after=502", "status-after=504", "code=1070",
    "delay=0.2", "cut-before", "cut-after", "half", "broken", "html", "redirect", "late=0.2", "big=25",
)  # fmt: skip
REVOKED = 5
"""Times that the token is taken back; all processes together then ask for one. Zoho gives ten in ten minutes."""


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--faults", type=float, default=10.0, help="per cent of the requests")
    parser.add_argument("--per-minute", type=int, default=1500, help="what the sandbox allows")
    parser.add_argument("--hurry", type=float, default=1.0, help="pauses between tries and looks, times this")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures, violations = soak(options, Path(name))
    for label, value in figures.items():
        print(f"{label:<34}{value}")
    for violation in violations:
        print(f"VIOLATION: {violation}")
    print("violations" + " " * 24 + str(len(violations)))
    return 1 if violations else 0


def soak(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what was not as it must be."""
    rates = [options.per_minute, 1_000_000, 5]
    with sandbox(folder, rates) as (environment, http):
        share = f"{options.faults / len(KINDS):.3f}%"
        rules = [f"* *:{kind}:{share}" for kind in KINDS]
        rules += [f"GET /invoices:revoke:{REVOKED}"]
        http.post("/sandbox/faults", json={"rules": rules}).raise_for_status()
        started = time.monotonic()
        reports = run_workers(options, folder, environment, rates, http)
        seconds = time.monotonic() - started
        seen = http.get("/sandbox/faults").json()
    told = [one for report in reports for one in report["told"]]
    store = Store.open(folder / "books.db")
    violations = [text for report in reports for text in report["violations"]]
    violations += list(compare(store.books(CREDENTIALS.organization_id), store, told))
    violations += over_the_limits(seen)
    store.close()
    return figures_of(reports, seen, told, seconds), violations


@contextmanager
def sandbox(folder: Path, rates: list[int]) -> Generator[tuple[dict[str, str], httpx.Client]]:
    """A sandbox process, the settings that reach it, and its control path."""
    command = [sys.executable, "-m", "zoho_mcp.cli.main", "sandbox", "--control", "--file", str(folder / "books.db")]
    command += ["--limits", ",".join(map(str, rates))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(6)]
            found = dict(line.split("=", 1) for line in lines)
            with httpx.Client(base_url=found["ZOHO_API_URL"], timeout=30, trust_env=False) as http:
                yield found, http
        finally:
            process.terminate()


def run_workers(
    options: argparse.Namespace, folder: Path, environment: dict[str, str], rates: list[int], http: httpx.Client
) -> list[dict[str, Any]]:
    """What each process wrote down. Half-way, the sandbox's clock is set two minutes ahead."""
    workers: list[subprocess.Popen[bytes]] = []
    for number in range(options.processes):
        given = {
            "number": number, "calls": options.calls // options.processes, "seed": options.seed + number,
            "hurry": options.hurry, "rates": rates, "folder": str(folder),
        }  # fmt: skip
        command = [sys.executable, str(HERE / "soak_worker.py"), json.dumps(given)]
        workers.append(subprocess.Popen(command, env={**os.environ, **environment}))
    skewed = False
    while any(worker.poll() is None for worker in workers):
        time.sleep(0.2)
        if not skewed and sum(http.get("/sandbox/faults").json()["codes"].values()) > options.calls / 2:
            http.post("/sandbox/faults", json={"skew": 120}).raise_for_status()
            skewed = True
    assert all(worker.returncode == 0 for worker in workers), "a process of the soak died"
    return [json.loads((folder / f"told-{number}.json").read_text("utf-8")) for number in range(options.processes)]


def compare(books: Books, store: Store, told: list[dict[str, Any]]) -> Iterator[str]:
    """Every difference between the books and what was told."""
    by_mark: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for invoice in books.all("invoice"):
        mark = invoice["reference_number"] or f"{invoice['total']:.2f}"
        by_mark.setdefault(("invoice", mark), []).append(invoice)
    for contact in books.all("contact"):
        by_mark.setdefault(("customer", contact["contact_name"]), []).append(contact)
    mails = Counter(str(mail["record_id"]) for mail in store.outbox())
    for one in told:
        found = by_mark.get((one["kind"], one["mark"]), [])
        yield from differences(one, found, books, mails)


def differences(one: dict[str, Any], found: list[dict[str, Any]], books: Books, mails: Counter[str]) -> Iterator[str]:
    """How one record differs from what was told of it."""
    name = f"{one['kind']} {one['mark']}"
    if len(found) > 1:
        yield f"{name}: there {len(found)} times"
    gone = one["status"] in ("never", "deleted")
    if one["unsure"] in ("creation", "status") or not found:
        if not found and not gone and not one["unsure"]:
            yield f"{name}: told to be there, and is not"
        return
    if gone:
        yield f"{name}: told not to be there ({one['status']}), and is"
    elif one["kind"] == "invoice":
        yield from invoice_differences(name, one, found[0], books, mails)


def invoice_differences(
    name: str, one: dict[str, Any], invoice: dict[str, Any], books: Books, mails: Counter[str]
) -> Iterator[str]:
    """Status, notes, payments and mails."""
    if one["unsure"] != "mails" and invoice["status"] != one["status"]:
        yield f"{name}: is {invoice['status']}, told {one['status']}"
    if one["unsure"] != "notes" and invoice.get("notes", "") != one["notes"]:
        yield f"{name}: notes are {invoice.get('notes')!r}, told {one['notes']!r}"
    paid, expected = settled_of(books, invoice).payments, sum(float(part) for part in one["paid"])
    if one["unsure"] != "payments" and one["status"] != "void" and abs(float(paid) - expected) > 0.001:
        yield f"{name}: paid {paid}, told {expected:.2f}"
    sent = mails[invoice["invoice_id"]]
    if sent != one["mails"] and not (one["unsure"] == "mails" and sent == 1):
        yield f"{name}: {sent} mails, told {one['mails']}"


def over_the_limits(seen: dict[str, Any]) -> list[str]:
    """Refusals for too many requests: a server that keeps to the limits gets none."""
    refused = [
        f"{seen['codes'][code]} requests refused with code {code}"
        for code in ("44", "45", "1070")
        if code in seen["codes"]
    ]
    if seen["token_requests"] > 1 + seen["hits"].get("revoke", 0):
        refused.append(
            f"{seen['token_requests']} tokens fetched, and it was taken back {seen['hits'].get('revoke', 0)} times"
        )
    return refused


def figures_of(
    reports: list[dict[str, Any]], seen: dict[str, Any], told: list[dict[str, Any]], seconds: float
) -> dict[str, Any]:
    """What is printed."""
    results: Counter[str] = Counter()
    for report in reports:
        results.update(report["results"])
    requests = sum(seen["codes"].values()) + sum(seen["hits"].values())
    return {
        "calls": sum(results.values()) - results["limited"],
        **{f"  told: {name}": count for name, count in sorted(results.items())},
        "records nobody is sure of": sum(bool(one["unsure"]) for one in told),
        "faults": sum(seen["hits"].values()),
        **{f"  {kind}": count for kind, count in sorted(seen["hits"].items())},
        "requests, about": requests,
        "tokens": seen["token_requests"],
        "seconds": f"{seconds:.1f}",
        "longest call, seconds": f"{max(report['longest'] for report in reports):.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())
