"""Items."""

from zoho_mcp.sandbox.kinds.record_kind import RecordKind
from zoho_mcp.sandbox.kinds.settings import tax
from zoho_mcp.sandbox.listing import Listing, status_filters
from zoho_mcp.sandbox.pricing import ZERO
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_value
from zoho_mcp.sandbox.wire.fields import custom_field_hash, custom_fields, flag, number, one_of, text_fields
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

WITH_LINES = ("invoice", "estimate", "creditnote", "recurring_invoice")


def _new(request: Request) -> Record:
    number(request.body, "rate")  # required
    return {"status": "active", "source": "api"}


def _before_delete(request: Request, item: Record) -> None:
    for kind in WITH_LINES:
        for document in request.books.all(kind):
            if any(line["item_id"] == item["item_id"] for line in document["line_items"]):
                raise ZohoError(
                    2049, "Items which are a part of other transactions cannot be deleted. Mark them inactive instead."
                )


def _write(request: Request, item: Record) -> None:
    item["name"] = item["name"].strip()
    if not item["name"]:
        raise invalid_value("name")
    if any(other["item_id"] != item["item_id"] for other in request.books.labelled("item", item["name"])):
        # The status is that of Zoho's table of codes.
        raise ZohoError(1000, "The item name already exist", 500)
    if item["sku"] and any(_same_sku(item, other) for other in request.books.all("item")):
        raise ZohoError(1001, f"The SKU {item['sku']} already exists.")  # code and words are unverified
    if item["tax_id"]:
        tax(request.books, item["tax_id"])


def _same_sku(item: Record, other: Record) -> bool:
    return bool(other["item_id"] != item["item_id"] and other["sku"].casefold() == item["sku"].casefold())


def _view(request: Request, item: Record) -> Record:
    books = request.books
    taxed = tax(books, item["tax_id"]) if item["tax_id"] else None
    account = books.get("account", item["account_id"]) if item["account_id"] else None
    return {
        **item,
        "item_name": item["name"],
        "tax_name": taxed["tax_name"] if taxed else "",
        "tax_percentage": taxed["tax_percentage"] if taxed else ZERO,
        "tax_type": "tax" if taxed else "",
        "account_name": account["account_name"] if account else "",
        "custom_field_hash": custom_field_hash(item["custom_fields"]),
        "pricebook_rate": item["rate"],
        "sales_rate": item["rate"],
        "default_price_brackets": [{"pricebook_rate": item["rate"]}],
        "created_at": item["created_time"][:10],
        "can_be_purchased": item["item_type"] in ("purchases", "sales_and_purchases", "inventory"),
        "can_be_sold": item["item_type"] != "purchases",
        "track_inventory": item["item_type"] == "inventory",
    }


ITEM = RecordKind(
    name="item",
    path="/items",
    scope="settings",  # as in the real API
    tables="items",
    word="Item",
    code=2006,
    listing=Listing(
        key="items",
        report_name="Items",
        sortable=("name", "rate", "tax_name", "last_modified_time", "sku"),
        exact=("tax_id", "account_id"),
        text=("name", "description", "tax_name", "sku"),
        numbers=("rate",),
        search=("name", "description", "sku"),
        filters=status_filters({"Active": "active", "Inactive": "inactive"}),
        default_filter="Status.All",
        default_sort="name",
    ),
    created="The item has been added.",
    updated="Item details have been saved.",
    deleted="The item has been deleted.",
    has_activity=True,
    fields={
        **text_fields(name=100, description=2000, sku=None, unit=None, account_id=None, purchase_description=None,
                      purchase_account_id=None, tax_exemption_id=None, tax_id=None),
        "rate": (number, ZERO), "purchase_rate": (number, ZERO),
        "item_type": (one_of("sales", "purchases", "sales_and_purchases", "inventory"), "sales"),
        "product_type": (one_of("goods", "service", "digital_service", "capital_service", "capital_goods"), "service"),
        "is_taxable": (flag, True), "custom_fields": (custom_fields, []),
    },
    new=_new,
    write=_write,
    view=_view,
    before_delete=_before_delete,
)  # fmt: skip
router = ITEM.router()
