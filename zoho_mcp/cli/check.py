"""`check`: loads the tool specs for every product and edition and checks every entry."""

import argparse

from zoho_mcp.cli import console
from zoho_mcp.server.tools.composite import COMPOSITES
from zoho_mcp.settings.variables import EDITIONS
from zoho_mcp.specs.check import check_catalog, check_entry
from zoho_mcp.specs.load import load


def add_options(command: argparse.ArgumentParser) -> None:
    """`check` has none."""
    command.set_defaults(run=check)


def check(options: argparse.Namespace) -> int:
    """Print every problem; 0 when there is none. Raises SpecError when the files cannot be loaded."""
    problems: set[str] = set()
    for product in ("invoice", "books"):
        problems |= set(check_catalog(load(product)))
        for edition in ("", *EDITIONS):
            catalog = load(product, edition)
            for operation in catalog.operations.values():
                # The size limit is for what everybody gets; an edition's own fields come on top.
                rules = check_entry(operation, sized=not edition)
                problems |= {f"{operation.toolset}.json: {operation.name}: {problem}." for problem in rules}
            problems |= {
                f"{operation.name}: zoho_mcp.server.tools.composite has no function {operation.handler}."
                for operation in catalog.operations.values()
                if operation.handler and operation.handler not in COMPOSITES
            }
    for problem in sorted(problems):
        console.line(problem)
    if not problems:
        catalog = load()
        console.line(f"{len(catalog.operations)} tools in {len(catalog.toolsets)} toolsets, no problems.")
    return int(bool(problems))
