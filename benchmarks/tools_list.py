"""What tools/list costs a model: bytes of name, description and input schema as compact JSON, and estimated tokens.

`python benchmarks/tools_list.py`. `zoho-invoice-mcp tools` prints the same per tool for the settings in use.
"""

from zoho_mcp.specs.check import BYTES_PER_TOKEN, tool_size
from zoho_mcp.specs.load import load


def main() -> None:
    for product in ("invoice", "books"):
        catalog = load(product)
        operations = catalog.operations.values()
        default = [tool_size(one) for one in operations if one.toolset not in catalog.extra]
        reference = [tool_size(one) for one in operations if one.toolset not in ("lookups", "reports")]
        everything = [tool_size(one) for one in operations]
        for name, sizes in (("default tools", default), ("reference tools", reference), ("all tools", everything)):
            tokens = sum(sizes) / BYTES_PER_TOKEN
            print(
                f"{product:8} {len(sizes):3} {name:16} {sum(sizes):7,} bytes {tokens:8,.0f} tokens, "
                f"{tokens / len(sizes):4.0f} each, largest {max(sizes):,} bytes"
            )


if __name__ == "__main__":
    main()
