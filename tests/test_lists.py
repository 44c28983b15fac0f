"""Lists that go on over many pages, in one call."""

from typing import Any
from urllib.parse import parse_qs

import anyio
import pytest
from conftest import ERAS, Era, Zoho, call
from large_books import fill
from mcp import Client

from zoho_mcp.server.results.projection import with_records
from zoho_mcp.server.results.result import MOST_ROWS as MOST
from zoho_mcp.server.results.result import continued

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)
ENOUGH = 1_000_000


def pages(zoho: Zoho) -> list[tuple[str, str]]:
    """page and per_page of every list that Zoho was asked for."""
    asked = [request.query for request in zoho.app.state.request_log if request.path.endswith("/invoices")]
    return [(query.get("page", ""), query.get("per_page", "")) for query in asked]


@both_eras
async def test_max_records_walks_the_pages_with_one_request_per_200_records(zoho: Zoho, era: Era) -> None:
    fill(zoho.store, 500, "2026-05")
    told: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with zoho.client(era, max_answer=ENOUGH) as client:
        result = await client.call_tool("list_invoices", {"max_records": 450}, progress_callback=note)
        answer = with_records(result.structured_content)
        rest = await call(client, "list_invoices", **answer["next"])
    assert len(answer["invoices"]) == 450
    assert pages(zoho)[:3] == [("1", "200"), ("2", "200"), ("3", "200")]
    assert told == [(200, 450, "200 rows read"), (400, 450, "400 rows read"), (543, 543, "543 rows read")]
    numbers = [row["invoice_number"] for row in (*answer["invoices"], *rest["invoices"])]
    assert len(numbers) == len(set(numbers)) == 543
    assert rest["has_more"] is False


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({"max_records": 40}, [("1", "40")]),
        ({"max_records": 200}, [("1", "200")]),
        ({"max_records": 201}, [("1", "200"), ("2", "200")]),
        ({"max_records": 5000}, [("1", "200"), ("2", "200"), ("3", "200")]),
        ({"max_records": 100, "page": 3, "per_page": 100}, [("3", "100")]),
        ({"max_records": 300, "page": 2, "per_page": 150}, [("2", "150"), ("3", "150")]),
        ({"max_records": 300, "per_page": 10}, [("1", "200"), ("2", "200")]),
    ],
)
async def test_no_page_is_fetched_that_is_not_needed(
    zoho: Zoho, arguments: dict[str, Any], asked: list[tuple[str, str]]
) -> None:
    fill(zoho.store, 500, "2026-05")
    async with zoho.client(max_answer=ENOUGH) as client:
        answer = await call(client, "list_invoices", **arguments)
    assert pages(zoho) == asked
    assert len(answer["invoices"]) == min(arguments["max_records"], 543)


async def test_the_walk_ends_where_no_more_fits_into_the_answer(zoho: Zoho) -> None:
    fill(zoho.store, 500, "2026-05")
    async with zoho.client() as client:
        first = await call(client, "list_invoices", max_records=543)
        assert pages(zoho) == [("1", "200")]
        second = await call(client, "list_invoices", max_records=543, **first["next"])
    both = {row["invoice_id"] for row in (*first["invoices"], *second["invoices"])}
    assert len(both) == len(first["invoices"]) + len(second["invoices"]) > MOST


@both_eras
async def test_a_walk_that_is_cancelled_asks_zoho_no_more(zoho: Zoho, era: Era) -> None:
    fill(zoho.store, 500, "2026-05")
    held = HeldPages(zoho.app)
    zoho.app = held
    async with zoho.client(era, max_answer=ENOUGH) as client:
        with anyio.fail_after(30):
            await _cancelled_after_the_first_page(client)
            await held.given_up.wait()
        await call(client, "list_organizations")
    assert held.asked == ["1", "2"]


class HeldPages:
    """A sandbox that answers for the first page of a list and never for another."""

    def __init__(self, app: Any) -> None:
        self.app, self.state = app, app.state
        self.asked: list[str] = []
        self.given_up = anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        page = parse_qs(scope["query_string"].decode()).get("page", [""])[0]
        if scope["path"].endswith("/invoices"):
            self.asked.append(page)
            if page != "1":
                try:
                    await anyio.sleep_forever()
                finally:
                    self.given_up.set()
        await self.app(scope, receive, send)


async def _cancelled_after_the_first_page(client: Client) -> None:
    with anyio.CancelScope() as scope:

        async def stop(progress: float, total: float | None, message: str | None) -> None:
            scope.cancel()

        await client.call_tool("list_invoices", {"max_records": 500}, progress_callback=stop)
    assert scope.cancelled_caught


async def test_a_record_added_meanwhile_is_not_counted_twice(zoho: Zoho) -> None:
    fill(zoho.store, 300, "2026-05")
    added = False

    async def add(progress: float, total: float | None, message: str | None) -> None:
        nonlocal added
        if not added:
            added = True
            fill(zoho.store, 1, "2026-06", seed=2)

    async with zoho.client(max_answer=ENOUGH) as client:
        result = await client.call_tool("list_invoices", {"max_records": 400}, progress_callback=add)
    numbers = [row["invoice_number"] for row in with_records(result.structured_content)["invoices"]]
    assert added
    assert len(numbers) == len(set(numbers)) == 343


@pytest.mark.parametrize("start", range(0, 2000, 37))
def test_a_page_can_begin_anywhere(start: int) -> None:
    where = continued(start)
    assert (where["page"] - 1) * where["per_page"] == start
    assert 1 <= where["per_page"] <= MOST
