"""One module or package per kind of record: its routes, its rules and its views."""
