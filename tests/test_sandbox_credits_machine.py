"""Credits, payments, refunds and write-offs in random order over HTTP: the books add up to the cent after each step.

The model beside the sandbox counts whole cents and knows which steps Zoho refuses, with the documented codes.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sandbox_support import Json, Sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
STEPS = 500
ANY_REFUSAL = -1
NOTE_CODES = {"closed": 12003, "void": 12004, "draft": ANY_REFUSAL}
INVOICE_CODES = {"draft": 12005, "paid": 12006, "void": 12007}
MOST = 8


def dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


@dataclass
class Invoice:
    own_id: str
    total: int
    status: str = "draft"
    written_off: int = 0


@dataclass
class Source:
    """A credit note or a payment."""

    own_id: str
    total: int
    status: str = "open"
    refunds: dict[str, int] = field(default_factory=dict[str, int])


@dataclass
class Model:
    """What the books must hold. `applied` has, by the id of the application, source, invoice and cents."""

    chance: Random
    invoices: dict[str, Invoice] = field(default_factory=dict[str, Invoice])
    notes: dict[str, Source] = field(default_factory=dict[str, Source])
    payments: dict[str, Source] = field(default_factory=dict[str, Source])
    applied: dict[str, tuple[str, str, int]] = field(default_factory=dict[str, tuple[str, str, int]])

    def went(self, invoice_id: str, of: dict[str, Source]) -> int:
        return sum(cents for source, invoice, cents in self.applied.values() if invoice == invoice_id and source in of)

    def owed(self, invoice: Invoice) -> int:
        if invoice.status == "void":
            return 0
        every = self.went(invoice.own_id, self.notes) + self.went(invoice.own_id, self.payments)
        return invoice.total - every - invoice.written_off

    def left(self, source: Source) -> int:
        used = sum(cents for one, _, cents in self.applied.values() if one == source.own_id)
        return source.total - used - sum(source.refunds.values())

    def status(self, invoice: Invoice) -> str:
        return "paid" if invoice.status == "sent" and self.owed(invoice) <= 0 else invoice.status

    def note_status(self, note: Source) -> str:
        return "closed" if note.status == "open" and self.left(note) <= 0 else note.status

    def cents(self, most: int) -> int:
        """Mostly what fits, at times all of it, a cent too much, or nothing."""
        return self.chance.choice(
            [max(most, 1), most + 1, 0, *(self.chance.randint(1, max(most, 1)) for _ in range(5))]
        )

    def refusal(self, source: Source, invoice: Invoice, cents: int) -> int:
        """The code with which Zoho refuses to apply so much; 0 where it does not."""
        if source.own_id in self.notes:
            codes = NOTE_CODES.get(self.note_status(source)) or INVOICE_CODES.get(self.status(invoice))
            if codes:
                return codes
            if cents <= 0:
                return ANY_REFUSAL
        return 0 if 0 < cents <= min(self.left(source), self.owed(invoice)) else 24016


class Machine:
    """One customer's books, and the steps that change them and the model alike."""

    def __init__(self, sandbox: Sandbox, model: Model, customer: str) -> None:
        self.sandbox, self.model, self.customer, self.chance = sandbox, model, customer, model.chance
        self.refused: set[int] = set()

    async def expect(self, code: int, method: str, path: str, body: Json | None = None) -> Json:
        """The answer; the request must be refused with this code, or succeed for 0."""
        answer: Json = (await self.sandbox.send(method, path, body)).json()
        self.refused.add(code)
        assert (answer["code"] != 0) if code == ANY_REFUSAL else answer["code"] == code, (method, path, body, answer)
        return answer

    async def make_invoice(self) -> None:
        cents = self.chance.randint(1, 30_000)
        body = {"customer_id": self.customer, "line_items": [{"name": "Work", "rate": dollars(cents)}]}
        made = (await self.expect(0, "POST", "/invoices", body))["invoice"]["invoice_id"]
        self.model.invoices[made] = Invoice(made, cents)

    async def make_note(self) -> None:
        cents = self.chance.randint(1, 20_000)
        draft = self.chance.random() < 0.2
        body = {
            "customer_id": self.customer,
            "line_items": [{"name": "Return", "rate": dollars(cents)}],
            "is_draft": draft,
        }
        made = (await self.expect(0, "POST", "/creditnotes", body))["creditnote"]["creditnote_id"]
        self.model.notes[made] = Source(made, cents, "draft" if draft else "open")

    async def make_payment(self) -> None:
        cents = self.chance.randint(1, 20_000)
        body = {"customer_id": self.customer, "amount": dollars(cents), "payment_mode": "cash", "date": "2026-10-09"}
        made = (await self.expect(0, "POST", "/customerpayments", body))["payment"]["payment_id"]
        self.model.payments[made] = Source(made, cents)

    async def move_invoice(self, invoice: Invoice) -> None:
        step = self.chance.choice(["sent", "sent", "sent", "void", "draft"])
        refused = step == "draft" and invoice.status == "sent"
        await self.expect(ANY_REFUSAL if refused else 0, "POST", f"/invoices/{invoice.own_id}/status/{step}")
        if step == "void":
            invoice.status, invoice.written_off = "void", 0
            for key in [key for key, part in self.model.applied.items() if part[1] == invoice.own_id]:
                del self.model.applied[key]
        elif step == "draft" and invoice.status == "void":
            invoice.status = "draft"
        elif step == "sent" and invoice.status == "draft":
            invoice.status = "sent"

    async def delete_invoice(self, invoice: Invoice) -> None:
        model = self.model
        code = 4001 if model.went(invoice.own_id, model.payments) else 0
        code = code or (12008 if model.went(invoice.own_id, model.notes) else 0)
        await self.expect(code, "DELETE", f"/invoices/{invoice.own_id}")
        if not code:
            del model.invoices[invoice.own_id]

    async def move_note(self, note: Source) -> None:
        step = self.chance.choice(["void", "open", "open", "draft"])
        refused = {
            "void": self.model.left(note) != note.total,
            "open": note.status == "void",
            "draft": note.status == "open",
        }
        await self.expect(ANY_REFUSAL if refused[step] else 0, "POST", f"/creditnotes/{note.own_id}/status/{step}")
        if not refused[step]:
            note.status = step

    async def apply_note(self, note: Source, invoice: Invoice) -> None:
        """One credit note on one or two invoices; where one part is refused, none is applied."""
        other = self.chance.choice([invoice, *self.model.invoices.values()])
        parts = [(invoice, self.model.cents(min(self.model.left(note), self.model.owed(invoice))))]
        parts += [(other, self.model.cents(self.model.owed(other)))] if other is not invoice else []
        code, before = 0, dict(self.model.applied)
        for place, (one, cents) in enumerate(parts):
            code = code or self.model.refusal(note, one, cents)
            self.model.applied[f"new {place}"] = (note.own_id, one.own_id, cents)
        self.model.applied = before
        body = {"invoices": [{"invoice_id": one.own_id, "amount_applied": dollars(cents)} for one, cents in parts]}
        await self.expect(code, "POST", f"/creditnotes/{note.own_id}/invoices", body)
        if not code:
            rows = (await self.expect(0, "GET", f"/creditnotes/{note.own_id}/invoices"))["invoices_credited"]
            self.learn(rows, "creditnote_invoice_id", note, None, parts)

    async def apply_to_invoice(self, invoice: Invoice, source: Source) -> None:
        """A credit note or a payment, from the invoice's side."""
        model, is_note = self.model, source.own_id in self.model.notes
        cents = model.cents(min(model.left(source), model.owed(invoice)))
        code = model.refusal(source, invoice, cents)
        kind, key = ("creditnote", "apply_creditnotes") if is_note else ("payment", "invoice_payments")
        body = {key: [{f"{kind}_id": source.own_id, "amount_applied": dollars(cents)}]}
        answer = await self.expect(code, "POST", f"/invoices/{invoice.own_id}/credits", body)
        if not code:
            own = "creditnotes_invoice_id" if is_note else "invoice_payment_id"
            self.learn(answer["use_credits"][key], own, source, invoice, [(invoice, cents)])

    def learn(
        self, rows: list[Json], own: str, source: Source, invoice: Invoice | None, parts: list[tuple[Invoice, int]]
    ) -> None:
        """Take the ids of new applications from an answer."""
        fresh = [row for row in rows if row[own] not in self.model.applied]
        assert len(fresh) == len(parts)
        for row, (one, cents) in zip(fresh, parts, strict=True):
            assert row.get("invoice_id", one.own_id) == one.own_id
            self.model.applied[row[own]] = (source.own_id, one.own_id, cents)
            one.status = "sent" if one.status == "draft" else one.status

    async def take_back(self) -> None:
        """Remove an application from either side."""
        if not self.model.applied:
            return
        key = self.chance.choice(list(self.model.applied))
        source, invoice, _ = self.model.applied.pop(key)
        if source in self.model.payments:
            path = f"/invoices/{invoice}/payments/{key}"
        else:
            path = self.chance.choice(
                [f"/creditnotes/{source}/invoices/{key}", f"/invoices/{invoice}/creditsapplied/{key}"]
            )
        await self.expect(0, "DELETE", path)
        await self.expect(1002, "DELETE", path)

    async def refund(self, source: Source) -> None:
        is_note = source.own_id in self.model.notes
        cents = self.model.cents(self.model.left(source))
        refused = not 0 < cents <= self.model.left(source) or source.status != "open"
        base = f"/creditnotes/{source.own_id}" if is_note else f"/customerpayments/{source.own_id}"
        body = {"date": "2026-10-09", "amount": dollars(cents), "refund_mode": "cash"}
        answer = await self.expect(ANY_REFUSAL if refused else 0, "POST", f"{base}/refunds", body)
        if not refused:
            own = answer["creditnote_refund"]["creditnote_refund_id"] if is_note else ""
            source.refunds[own or answer["payment_refunds"][0]["payment_refund_id"]] = cents

    async def delete_refund(self, source: Source) -> None:
        base = f"/{'creditnotes' if source.own_id in self.model.notes else 'customerpayments'}/{source.own_id}/refunds"
        if source.refunds:
            key = self.chance.choice(list(source.refunds))
            del source.refunds[key]
            await self.expect(0, "DELETE", f"{base}/{key}")
            await self.expect(1002, "DELETE", f"{base}/{key}")

    async def write_off(self, invoice: Invoice) -> None:
        owed = self.model.owed(invoice)
        refused = invoice.status != "sent" or owed <= 0
        await self.expect(ANY_REFUSAL if refused else 0, "POST", f"/invoices/{invoice.own_id}/writeoff")
        invoice.written_off += 0 if refused else owed

    async def cancel_write_off(self, invoice: Invoice) -> None:
        code = 0 if invoice.written_off else ANY_REFUSAL
        await self.expect(code, "POST", f"/invoices/{invoice.own_id}/writeoff/cancel")
        invoice.written_off = 0

    async def change_payment(self, payment: Source) -> None:
        used = payment.total - self.model.left(payment)
        cents = self.chance.choice([used, used - 1, used + self.chance.randint(0, 5_000)])
        refused = cents < used or cents <= 0
        path = f"/customerpayments/{payment.own_id}"
        await self.expect(ANY_REFUSAL if refused else 0, "PUT", path, {"amount": dollars(max(cents, 0))})
        payment.total = payment.total if refused else cents

    async def delete_payment(self, payment: Source) -> None:
        refused = bool(payment.refunds)
        await self.expect(ANY_REFUSAL if refused else 0, "DELETE", f"/customerpayments/{payment.own_id}")
        if not refused:
            del self.model.payments[payment.own_id]
            for key in [key for key, part in self.model.applied.items() if part[0] == payment.own_id]:
                del self.model.applied[key]

    async def step(self) -> None:
        model, some = self.model, self.chance.choice
        if min(map(len, (model.invoices, model.notes, model.payments))) < 2:
            await some([self.make_invoice, self.make_note, self.make_payment])()
            return
        invoice, note = some(list(model.invoices.values())), some(list(model.notes.values()))
        payment = some(list(model.payments.values()))
        makers = [make for make, of in ((self.make_invoice, model.invoices), (self.make_note, model.notes),
                                        (self.make_payment, model.payments)) if len(of) < MOST]  # fmt: skip
        await some([
            *makers, lambda: self.move_invoice(invoice), lambda: self.move_invoice(invoice),
            lambda: self.apply_note(note, invoice), lambda: self.apply_note(note, invoice),
            lambda: self.apply_to_invoice(invoice, note), lambda: self.apply_to_invoice(invoice, payment),
            lambda: self.move_note(note), self.take_back, lambda: self.refund(note), lambda: self.refund(payment),
            lambda: self.delete_refund(some([note, payment])), lambda: self.write_off(invoice),
            lambda: self.cancel_write_off(invoice), lambda: self.change_payment(payment),
            lambda: self.delete_invoice(invoice), lambda: self.delete_payment(payment),
        ])()  # fmt: skip

    async def check(self) -> None:
        """Every balance, as lists and the customer show it, is the model's."""
        model, sandbox = self.model, self.sandbox
        rows = (await sandbox.ask("GET", "/invoices"))["invoices"]
        shown = {
            row["invoice_id"]: (row["status"] in ("paid", "draft", "void") and row["status"], row["balance"])
            for row in rows
        }
        assert shown == {key: self.shown(one) for key, one in model.invoices.items()}
        rows = (await sandbox.ask("GET", "/creditnotes"))["creditnotes"]
        assert {row["creditnote_id"]: (row["status"], row["balance"]) for row in rows} == {
            key: (model.note_status(one), Decimal(model.left(one)) / 100) for key, one in model.notes.items()
        }
        rows = (await sandbox.ask("GET", "/customerpayments"))["customerpayments"]
        assert {row["payment_id"]: row["unused_amount"] for row in rows} == {
            key: Decimal(model.left(one)) / 100 for key, one in model.payments.items()
        }
        contact = await sandbox.contact(self.customer)
        owed = sum(model.owed(one) for one in model.invoices.values() if one.status == "sent")
        unused = sum(
            model.left(one) for one in (*model.notes.values(), *model.payments.values()) if one.status == "open"
        )
        assert contact["outstanding_receivable_amount"] == Decimal(owed) / 100
        assert contact["unused_credits_receivable_amount"] == Decimal(unused) / 100

    def shown(self, invoice: Invoice) -> tuple[Any, Decimal]:
        status = self.model.status(invoice)
        cents = invoice.total if invoice.status == "void" else self.model.owed(invoice)
        return status in ("paid", "draft", "void") and status, Decimal(cents) / 100


@pytest.mark.parametrize("seed", range(2))
async def test_the_books_add_up_after_every_random_step(sandbox: Sandbox, seed: int) -> None:
    machine = Machine(sandbox, Model(Random(seed)), await sandbox.customer())
    for _ in range(STEPS):
        await machine.step()
        await machine.check()
    assert {0, 1002, 12003, 12004, 12005, 12006, 12007, 24016, 4001} - machine.refused == set()
