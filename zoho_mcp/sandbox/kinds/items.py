"""Items, in the scope "settings" as in the real API."""

from zoho_mcp.sandbox.kinds.settings import tax
from zoho_mcp.sandbox.ledger import ZERO
from zoho_mcp.sandbox.listing import Listing, respond
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import ZohoError, does_not_exist, invalid_value
from zoho_mcp.sandbox.wire.fields import choice, custom_field_hash, custom_fields, flag, number, text
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Reply, Request, Route, created, done

TEXTS: dict[str, int | None] = {
    "name": 100, "description": 2000, "sku": None, "unit": None, "account_id": None, "purchase_description": None,
    "purchase_account_id": None, "tax_exemption_id": None,
}  # fmt: skip
ITEM_TYPES = ("sales", "purchases", "sales_and_purchases", "inventory")
PRODUCT_TYPES = ("goods", "service", "digital_service", "capital_service", "capital_goods")
WITH_LINES = ("invoice", "estimate", "creditnote", "recurring_invoice")
LISTING = Listing(
    key="items",
    report_name="Items",
    sortable=("name", "rate", "tax_name", "last_modified_time", "sku"),
    exact=("tax_id", "account_id"),
    text=("name", "description", "tax_name", "sku"),
    numbers=("rate",),
    search=("name", "description", "sku"),
    filters={
        "Status.All": lambda row: True,
        "Status.Active": lambda row: row["status"] == "active",
        "Status.Inactive": lambda row: row["status"] == "inactive",
    },
    default_filter="Status.All",
    default_sort="name",
)


def find(books: Books, item_id: str) -> Record:
    """The item of that id."""
    found = books.get("item", item_id)
    if found is None:
        raise does_not_exist("Item", 2006)
    return found


def list_items(request: Request) -> Reply:
    """GET /items."""
    return respond(request, LISTING, [_view(request.books, item) for item in request.books.all("item")])


def get_item(request: Request) -> Reply:
    """GET /items/{item_id}."""
    return done(item=_view(request.books, find(request.books, request.path["item_id"])))


def create_item(request: Request) -> Reply:
    """POST /items."""
    item_id = request.books.new_id()
    item: Record = {
        "item_id": item_id, "status": "active", "source": "api", "tax_id": "", "is_taxable": True,
        "item_type": "sales", "product_type": "service", "purchase_rate": ZERO, "custom_fields": [],
        "created_time": request.stamp,
    }  # fmt: skip
    number(request.body, "rate")
    _write(request, item)
    return created("The item has been added.", f"/items/{item_id}", item=_view(request.books, item))


def update_item(request: Request) -> Reply:
    """PUT /items/{item_id}: what is sent changes, the rest stays."""
    item = find(request.books, request.path["item_id"])
    _write(request, item)
    return done("Item details have been saved.", item=_view(request.books, item))


def delete_item(request: Request) -> Reply:
    """DELETE /items/{item_id}, refused while a document has it."""
    item = find(request.books, request.path["item_id"])
    for kind in WITH_LINES:
        for document in request.books.all(kind):
            if any(line["item_id"] == item["item_id"] for line in document["line_items"]):
                raise ZohoError(
                    2049, "Items which are a part of other transactions cannot be deleted. Mark them inactive instead."
                )
    request.books.drop("item", item["item_id"])
    return done("The item has been deleted.")


def mark_active(request: Request) -> Reply:
    """POST /items/{item_id}/active."""
    return _mark(request, "active")


def mark_inactive(request: Request) -> Reply:
    """POST /items/{item_id}/inactive."""
    return _mark(request, "inactive")


def _write(request: Request, item: Record) -> None:
    body = request.body
    for key, limit in TEXTS.items():
        item[key] = text(body, key, str(item.get(key, "")), limit)
    item["name"] = item["name"].strip()
    if not item["name"]:
        raise invalid_value("name")
    if any(other["item_id"] != item["item_id"] for other in request.books.labelled("item", item["name"])):
        # The status is that of Zoho's table of codes.
        raise ZohoError(1000, "The item name already exist", 500)
    if item["sku"] and any(_same_sku(item, other) for other in request.books.all("item")):
        raise ZohoError(1001, f"The SKU {item['sku']} already exists.")  # code and words are unverified
    item["rate"] = number(body, "rate", item.get("rate", ZERO))
    item["purchase_rate"] = number(body, "purchase_rate", item["purchase_rate"])
    item["item_type"] = choice(body, "item_type", ITEM_TYPES, item["item_type"])
    item["product_type"] = choice(body, "product_type", PRODUCT_TYPES, item["product_type"])
    item["is_taxable"] = flag(body, "is_taxable", item["is_taxable"])
    item["tax_id"] = text(body, "tax_id", item["tax_id"])
    if item["tax_id"]:
        tax(request.books, item["tax_id"])
    item["custom_fields"] = custom_fields(body, item["custom_fields"])
    touch(item, request.now)
    request.books.put("item", item["item_id"], item)


def _same_sku(item: Record, other: Record) -> bool:
    return bool(other["item_id"] != item["item_id"] and other["sku"].casefold() == item["sku"].casefold())


def _view(books: Books, item: Record) -> Record:
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


def _mark(request: Request, status: str) -> Reply:
    item = find(request.books, request.path["item_id"])
    item["status"] = status
    touch(item, request.now)
    request.books.put("item", item["item_id"], item)
    return done(f"The item has been marked as {status}.")


ROUTES = [
    Route("GET", "/items", "settings.READ", list_items, "items.list"),
    Route("POST", "/items", "settings.CREATE", create_item, "items.one"),
    Route("GET", "/items/{item_id}", "settings.READ", get_item, "items.one"),
    Route("PUT", "/items/{item_id}", "settings.UPDATE", update_item, "items.one"),
    Route("DELETE", "/items/{item_id}", "settings.DELETE", delete_item),
    Route("POST", "/items/{item_id}/active", "settings.CREATE", mark_active),
    Route("POST", "/items/{item_id}/inactive", "settings.CREATE", mark_inactive),
]
