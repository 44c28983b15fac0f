"""The arithmetic of documents, against figures worked out by hand."""

from decimal import Decimal
from itertools import product

import pytest

from zoho_mcp.sandbox.pricing import ZERO, Discount, Line, Tax, Terms, price, split

SALES = Tax("1", Decimal("8.875"))
REDUCED = Tax("2", Decimal("4"))


def line(quantity: str, rate: str, tax: Tax | None = None, discount: str = "0") -> Line:
    return Line(Decimal(quantity), Decimal(rate), amount(discount), tax)


def amount(text: str) -> Discount:
    return Discount(Decimal(text.removesuffix("%")), text.endswith("%"))


# 3 x 19.99 = 59.97 and 2 x 10.05 = 20.10: 80.07 before tax
LINES = [line("3", "19.99", SALES), line("2", "10.05", REDUCED)]


def test_each_tax_is_rounded_once_over_all_its_lines() -> None:
    priced = price(LINES, Terms())
    # 59.97 x 8.875 % = 5.3223..., 20.10 x 4 % = 0.804
    assert [tax.tax_amount for tax in priced.taxes] == [Decimal("5.32"), Decimal("0.80")]
    assert (priced.sub_total, priced.tax_total, priced.total) == (Decimal("80.07"), Decimal("6.12"), Decimal("86.19"))


def test_a_percentage_off_before_tax_lowers_the_tax() -> None:
    priced = price(LINES, Terms(discount=amount("10%")))
    # 8.007 off; 53.9707 x 8.875 % = 4.7899 and 18.0892 x 4 % = 0.7236
    assert priced.discount_total == Decimal("8.01")
    assert [tax.tax_amount for tax in priced.taxes] == [Decimal("4.79"), Decimal("0.72")]
    assert priced.total == Decimal("77.57")


def test_an_amount_off_before_tax_is_shared_by_the_lines() -> None:
    priced = price(LINES, Terms(discount=amount("20")))
    # 60.07 of 80.07 is left: 44.9906 x 8.875 % = 3.9929, 15.0794 x 4 % = 0.6032
    assert [tax.tax_amount for tax in priced.taxes] == [Decimal("3.99"), Decimal("0.60")]
    assert priced.total == Decimal("64.66")


def test_a_discount_after_tax_leaves_the_tax_alone() -> None:
    after = Terms(discount=amount("5"), is_discount_before_tax=False)
    assert price(LINES, after).total == Decimal("81.19")
    percent = price(LINES, Terms(discount=amount("50%"), is_discount_before_tax=False))
    # half of 86.19 is 43.095, half up
    assert (percent.discount_total, percent.tax_total) == (Decimal("43.10"), Decimal("6.12"))
    assert percent.total == Decimal("43.09")


def test_discounts_per_item_are_taken_off_each_line() -> None:
    lines = [line("3", "19.99", SALES, "10%"), line("2", "10.05", REDUCED, "1.10")]
    priced = price(lines, Terms(discount_type="item_level", discount=amount("99")))
    assert [(each.item_total, each.discount_amount) for each in priced.lines] == [
        (Decimal("53.97"), Decimal("6.00")),
        (Decimal("19.00"), Decimal("1.10")),
    ]
    assert (priced.sub_total, priced.discount_total) == (Decimal("72.97"), Decimal("7.10"))
    assert (priced.tax_total, priced.total) == (Decimal("5.55"), Decimal("78.52"))


def test_discounts_per_item_count_only_where_discounts_are_per_item() -> None:
    assert price([line("1", "100", None, "10")], Terms()).total == Decimal("100.00")


def test_an_inclusive_rate_contains_its_tax() -> None:
    priced = price([line("1", "108.88", SALES), line("1", "20")], Terms(is_inclusive_tax=True))
    # 108.88 / 1.08875 = 100.0046
    assert [each.item_total for each in priced.lines] == [Decimal("100.00"), Decimal("20.00")]
    assert (priced.sub_total, priced.tax_total, priced.total) == (
        Decimal("120.00"),
        Decimal("8.88"),
        Decimal("128.88"),
    )


def test_shipping_and_adjustment_come_on_top_untaxed() -> None:
    terms = Terms(shipping_charge=Decimal("12.50"), adjustment=Decimal("-0.19"))
    assert price(LINES, terms).total == Decimal("98.50")


def test_halves_are_rounded_up_to_the_currencys_decimals() -> None:
    assert price([line("0.5", "0.25")], Terms()).total == Decimal("0.13")
    yen = price([line("3", "333.5", Tax("3", Decimal(10)))], Terms(precision=0))
    assert (yen.sub_total, yen.tax_total, yen.total) == (Decimal(1001), Decimal(100), Decimal(1101))


@pytest.mark.parametrize(
    ("discount", "kind", "before_tax", "inclusive"),
    list(product(("0", "10%", "7.77"), ("entity_level", "item_level"), (True, False), (True, False))),
)
def test_a_document_always_adds_up(discount: str, kind: str, before_tax: bool, inclusive: bool) -> None:
    lines = [
        line(f"{n}.{n % 4}", f"{n * 7}.{n * 13 % 100:02d}", (SALES, REDUCED, None)[n % 3], "3%") for n in range(1, 12)
    ]
    priced = price(
        lines,
        Terms(amount(discount), kind, before_tax, inclusive, Decimal("4.99"), Decimal("-0.01")),
    )
    entity = ZERO if kind == "item_level" else priced.discount_total
    assert priced.total == priced.sub_total - entity + priced.tax_total + Decimal("4.98")
    assert sum(each.item_total for each in priced.lines) == priced.sub_total
    assert sum(each.tax_amount for each in priced.lines) == priced.tax_total
    assert sum(tax.tax_amount for tax in priced.taxes) == priced.tax_total


def test_shares_of_an_amount_sum_to_it() -> None:
    assert split(Decimal("10.00"), [Decimal(1)] * 3, 2) == [Decimal("3.33"), Decimal("3.34"), Decimal("3.33")]
    assert split(Decimal("0.00"), [ZERO], 2) == [ZERO]
