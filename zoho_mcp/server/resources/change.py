"""What a change touched. A value."""

from collections.abc import Mapping

Change = Mapping[str, set[str]]
"""The ids that a change is about, by kind; a kind that is missing or empty: it may be any."""
