"""Receipts on the terminal."""

from server.cli.terminal import console, plain, print_findings
from server.intake.receive import Receipt
from server.records.outcome import Outcome
from workbooks.form import Language

OUTCOME_COLOURS = {
    Outcome.RECORDED: "green",
    Outcome.REVISED: "cyan",
    Outcome.ALREADY_RECEIVED: "blue",
    Outcome.REJECTED: "red",
}


def print_receipt(receipt: Receipt, language: Language) -> None:
    """Outcome, number, file and submission id on one line; the findings below it."""
    colour = OUTCOME_COLOURS[receipt.outcome]
    number = f" {receipt.record_number}" if receipt.record_number else ""
    name = f"[bold]{plain(receipt.filename)}[/]"
    console.print(f"[{colour}]{receipt.outcome}[/]{number} {name} [dim]{receipt.submission_id}[/]")
    if receipt.findings:
        print_findings(receipt.findings, language)
