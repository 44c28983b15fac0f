"""Loads the tool specs for every product and edition and checks every entry."""

from zoho_mcp.server.tools.composite import COMPOSITES
from zoho_mcp.settings.variables import EDITIONS
from zoho_mcp.specs.lint import slow_check
from zoho_mcp.specs.load import load


def check() -> int:
    """Print what is wrong, or that nothing is; 0 when all is well. Raises SpecError when the files cannot be loaded."""
    problems: set[str] = set()
    for product in ("invoice", "books"):
        for edition in ("", *EDITIONS):
            catalog = load(product, edition)
            for operation in catalog.operations.values():
                # The bound on size is for what everybody gets; an edition's own fields come on top.
                rules = slow_check(operation, sized=not edition)
                problems |= {f"{operation.toolset}.json: {operation.name}: {problem}." for problem in rules}
            problems |= {
                f"{operation.name}: zoho_mcp.server.tools.composite has no function {operation.handler}."
                for operation in catalog.operations.values()
                if operation.handler and operation.handler not in COMPOSITES
            }
    if problems:
        print("\n".join(sorted(problems)))
        return 1
    catalog = load()
    print(f"{len(catalog.operations)} tools in {len(catalog.toolsets)} toolsets: all fine.")
    return 0
