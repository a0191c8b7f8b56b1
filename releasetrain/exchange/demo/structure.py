"""The structure of the demo bank: how its services are coupled across its two trains."""

from __future__ import annotations

from typing import Any

from trains.actions.couplings import record_couplings
from trains.rules.coupling_rows import CouplingRow

# source, target, kind, strength, note
COUPLINGS = (
    ("acq-settle", "ledger-core", "calls", 14, "postings"),
    ("acq-settle", "ledger-core", "contract", 6, "settlement file"),
    ("merchant-portal", "acq-settle", "calls", 9, "merchant accounts"),
    ("wallet-bff", "ledger-core", "calls", 11, "balances"),
    ("wallet-bff", "push-gateway", "calls", 4, "notifications"),
    ("wallet-bff", "iam-core", "contract", 3, "sign-in"),
    ("ledger-core", "ledger-export", "shared_data", 7, "posting tables"),
    ("risk-rules", "sanctions-screen", "co_change", 12, "rule releases"),
    ("acq-settle", "risk-rules", "calls", 5, "scoring"),
    ("sepa-gw", "ledger-core", "co_change", 8, "posting rules"),
    ("sepa-gw", "acq-settle", "contract", 4, "instant payments"),
    ("loan-servicing", "ledger-core", "shared_data", 9, "instalment postings"),
    ("loan-servicing", "collections", "calls", 8, "overdue instalments"),
    ("loan-servicing", "sepa-gw", "calls", 6, "direct debits"),
    ("loan-origination", "credit-score", "calls", 10, "scores"),
    ("loan-origination", "e-sign", "contract", 3, "contracts"),
    ("loan-origination", "iam-core", "contract", 2, "sign-in"),
    ("credit-score", "risk-rules", "co_change", 10, "shared rule sets"),
    ("credit-score", "sanctions-screen", "calls", 4, "screening"),
    ("collections", "wallet-bff", "calls", 2, "payment links"),
    ("e-sign", "iam-core", "calls", 3, "identities"),
)


def build_structure(bank: Any) -> None:
    """Couplings, as an architect would import them."""
    record_couplings(bank.owner, [CouplingRow(*row) for row in COUPLINGS], origin="architecture survey")
