"""The arithmetic of a document: line totals, discounts, taxes, rounding. Pure numbers; knows no records and no store.

total = sub_total - discount + taxes + shipping_charge + adjustment holds to the last digit, whatever is rounded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

ZERO = Decimal(0)
HUNDRED = Decimal(100)
WIDE = Context(prec=100)  # quantize raises where a result does not fit, and callers may multiply large numbers


@dataclass(frozen=True)
class Discount:
    """An amount, or a percentage."""

    value: Decimal = ZERO
    is_percent: bool = False

    def of(self, amount: Decimal) -> Decimal:
        """What is taken off that amount, unrounded."""
        return amount * self.value / HUNDRED if self.is_percent else self.value


@dataclass(frozen=True)
class Tax:
    """A tax as it is on a line."""

    tax_id: str
    percentage: Decimal


@dataclass(frozen=True)
class Line:
    """A line before pricing. Its discount counts only if discounts are per item."""

    quantity: Decimal
    rate: Decimal
    discount: Discount = Discount()
    tax: Tax | None = None


@dataclass(frozen=True)
class Terms:
    """The terms of a document that apply to all its lines."""

    discount: Discount = Discount()
    discount_type: str = "entity_level"  # or item_level
    is_discount_before_tax: bool = True
    is_inclusive_tax: bool = False
    shipping_charge: Decimal = ZERO
    adjustment: Decimal = ZERO
    precision: int = 2


@dataclass(frozen=True)
class PricedLine:
    """A line after pricing; item_total is net of its own discount and of tax."""

    item_total: Decimal
    discount_amount: Decimal
    tax_amount: Decimal


@dataclass(frozen=True)
class PricedTax:
    """One tax, over all lines of a document."""

    tax: Tax
    tax_amount: Decimal


@dataclass(frozen=True)
class Priced:
    """A document after pricing. discount_total is the document's discount, or the sum of the lines'."""

    lines: Sequence[PricedLine]
    taxes: Sequence[PricedTax]
    sub_total: Decimal
    discount_total: Decimal
    tax_total: Decimal
    total: Decimal


def rounded(amount: Decimal | int, precision: int = 2) -> Decimal:
    """Half up, to the currency's decimals. Takes int too: JSON without a fraction is read as one."""
    return Decimal(amount).quantize(Decimal(1).scaleb(-precision), ROUND_HALF_UP, WIDE)


def price(lines: Sequence[Line], terms: Terms) -> Priced:
    """Price a document. Each tax is rounded once, over all its lines (Zoho's tax_rounding "entity_level")."""
    drafts = [_draft(line, terms) for line in lines]
    sub_total = _sum(net for net, _, _ in drafts)
    taxes = _taxes(lines, [(net, contained) for net, _, contained in drafts], sub_total, terms)
    tax_total = _sum(tax.tax_amount for tax in taxes)
    discount = ZERO
    if terms.discount_type == "entity_level":
        base = sub_total if terms.is_discount_before_tax else sub_total + tax_total
        discount = rounded(terms.discount.of(base), terms.precision)
    line_taxes = _line_taxes(lines, [net for net, _, _ in drafts], taxes, terms.precision)
    line_discounts = _sum(taken for _, taken, _ in drafts)
    extras = rounded(terms.shipping_charge, terms.precision) + rounded(terms.adjustment, terms.precision)
    return Priced(
        lines=[
            PricedLine(net, taken, tax_amount) for (net, taken, _), tax_amount in zip(drafts, line_taxes, strict=True)
        ],
        taxes=taxes,
        sub_total=rounded(sub_total, terms.precision),
        discount_total=rounded(line_discounts + discount, terms.precision),
        tax_total=rounded(tax_total, terms.precision),
        total=rounded(sub_total - discount + tax_total + extras, terms.precision),
    )


def split(total: Decimal, weights: Sequence[Decimal], precision: int) -> list[Decimal]:
    """Split an amount by weight so that the rounded shares sum to it exactly."""
    whole = _sum(weights)
    shares: list[Decimal] = []
    weight_so_far = given = ZERO
    for weight in weights:
        weight_so_far += weight
        up_to_here = rounded(total * weight_so_far / whole, precision) if whole else ZERO
        shares.append(up_to_here - given)
        given = up_to_here
    return shares


def _draft(line: Line, terms: Terms) -> tuple[Decimal, Decimal, Decimal]:
    """Net amount, own discount and contained tax of a line."""
    gross = rounded(line.quantity * line.rate, terms.precision)
    taken = ZERO
    if terms.discount_type == "item_level":
        taken = rounded(line.discount.of(gross), terms.precision)
    left = gross - taken
    if not terms.is_inclusive_tax or line.tax is None:
        return left, taken, ZERO
    net = rounded(left / (1 + line.tax.percentage / HUNDRED), terms.precision)
    return net, taken, left - net


def _taxes(
    lines: Sequence[Line], drafts: Sequence[tuple[Decimal, Decimal]], sub_total: Decimal, terms: Terms
) -> list[PricedTax]:
    before_tax = terms.discount_type == "entity_level" and terms.is_discount_before_tax
    discount = rounded(terms.discount.of(sub_total), terms.precision) if before_tax else ZERO
    share = 1 - discount / sub_total if sub_total else Decimal(1)
    taxes: list[PricedTax] = []
    for tax in dict.fromkeys(line.tax for line in lines if line.tax is not None):
        mine = [draft for line, draft in zip(lines, drafts, strict=True) if line.tax == tax]
        if terms.is_inclusive_tax:
            amount = _sum(contained for _, contained in mine) * share
        else:
            amount = _sum(net for net, _ in mine) * share * tax.percentage / HUNDRED
        taxes.append(PricedTax(tax, rounded(amount, terms.precision)))
    return taxes


def _line_taxes(
    lines: Sequence[Line], nets: Sequence[Decimal], taxes: Iterable[PricedTax], precision: int
) -> list[Decimal]:
    amounts = [ZERO] * len(lines)
    for tax in taxes:
        places = [index for index, line in enumerate(lines) if line.tax == tax.tax]
        shares = split(tax.tax_amount, [nets[index] for index in places], precision)
        for index, amount in zip(places, shares, strict=True):
            amounts[index] = amount
    return amounts


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
