"""Which tests start processes: the marks that follow from fixtures, and a guard against tests without the mark."""

import sys
from collections.abc import Generator

import pytest

BY_FIXTURE = {
    "accounts": "processes",
    "machine": "processes",
    "redis_server": "replicas",
    "browser": "browser",
}
MAY_START = ("processes", "browser", "replicas", "converters")
STARTS = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn", "os.system", "_winapi.CreateProcess"})

_guarded: str | None = None
"""The test that runs now, if it may not start a process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they use."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in BY_FIXTURE:
                item.add_marker(BY_FIXTURE[fixture])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep in mind whether this test may start processes."""
    global _guarded
    _guarded = None if any(item.get_closest_marker(mark) for mark in MAY_START) else item.nodeid
    try:
        return (yield)
    finally:
        _guarded = None


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if event in STARTS and _guarded is not None:
        raise RuntimeError(f"{_guarded} starts a process: mark it with pytest.mark.processes")


sys.addaudithook(_refuse)
