"""What the demo bank is made of: trains, teams, services and features. Invented; nobody's data."""

from __future__ import annotations

from typing import NamedTuple


class TeamOf(NamedTuple):
    code: str
    name: str
    people: int
    zone: str
    services: tuple[tuple[str, int, bool], ...]


PAYMENTS = (
    TeamOf("ACQ", "Acquiring", 8, "Europe/London", (("acq-settle", 1, True), ("merchant-portal", 3, False))),
    TeamOf("LED", "Ledger Core", 9, "Europe/Lisbon", (("ledger-core", 1, True), ("ledger-export", 2, True))),
    TeamOf("RSK", "Risk & Fraud", 7, "Asia/Tokyo", (("risk-rules", 1, True), ("sanctions-screen", 1, True))),
    TeamOf(
        "MOB", "Mobile Wallet", 9, "Europe/Berlin", (("wallet-bff", 2, False), ("push-gateway", 3, False))
    ),
    TeamOf("PLT", "Platform & IAM", 6, "Europe/Berlin", (("iam-core", 1, True), ("sepa-gw", 2, True))),
)
LENDING = (
    TeamOf(
        "ORG", "Origination", 8, "Europe/London", (("loan-origination", 2, True), ("credit-score", 1, True))
    ),
    TeamOf("SVC", "Servicing", 7, "Europe/London", (("loan-servicing", 2, True), ("collections", 3, False))),
    TeamOf("DOC", "Documents", 5, "America/New_York", (("e-sign", 3, False),)),
)


class FeatureOf(NamedTuple):
    team: str
    title: str
    kind: str
    points: int
    value: int
    time: int
    risk: int
    size: int
    tier: int
    iteration: int  # 0: stays in the backlog
    theme: int = 0


PAYMENTS_FEATURES = (
    FeatureOf("ACQ", "Card-present EMV kernel upgrade", "feature", 8, 8, 13, 8, 8, 2, 1),
    FeatureOf("ACQ", "Merchant self-service onboarding", "feature", 13, 20, 8, 3, 13, 3, 2, 1),
    FeatureOf("ACQ", "Instant refunds to wallet", "feature", 8, 13, 13, 8, 5, 2, 3, 1),
    FeatureOf("ACQ", "Settlement file v3 for SEPA Instant", "compliance", 13, 13, 20, 13, 8, 1, 4),
    FeatureOf("ACQ", "Dynamic currency conversion pilot", "feature", 5, 5, 3, 2, 5, 3, 5, 1),
    FeatureOf("LED", "Double-entry posting API v2", "enabler", 13, 13, 13, 13, 8, 1, 1, 2),
    FeatureOf("LED", "Balance snapshots every 15 minutes", "enabler", 8, 8, 5, 8, 5, 2, 2, 2),
    FeatureOf("LED", "Refund reversal journal entries", "feature", 8, 13, 13, 5, 5, 2, 3, 1),
    FeatureOf("LED", "Partition ledger table by month", "enabler", 13, 5, 5, 13, 13, 1, 3, 2),
    FeatureOf("LED", "SEPA Instant posting rules", "compliance", 8, 13, 20, 13, 8, 1, 5),
    FeatureOf("RSK", "Device fingerprint signal", "feature", 5, 8, 5, 8, 5, 3, 1),
    FeatureOf("RSK", "Velocity rules for refunds", "feature", 8, 13, 8, 13, 5, 2, 2, 1),
    FeatureOf("RSK", "Sanctions list delta screening", "compliance", 5, 13, 20, 20, 5, 1, 3),
    FeatureOf("RSK", "Fraud model v7 in shadow", "feature", 8, 13, 5, 8, 8, 2, 4),
    FeatureOf("MOB", "Wallet home redesign", "feature", 8, 13, 3, 1, 8, 4, 1, 1),
    FeatureOf("MOB", "Passkey sign-in", "feature", 13, 13, 8, 13, 13, 2, 2, 1),
    FeatureOf("MOB", "Push token leak fix", "problem_fix", 3, 8, 20, 13, 2, 2, 3),
    FeatureOf("MOB", "Refund status timeline", "feature", 8, 8, 5, 2, 5, 4, 4, 1),
    FeatureOf("MOB", "Offline QR payments", "feature", 8, 8, 3, 2, 8, 3, 5, 1),
    FeatureOf("PLT", "Step-up for approvals", "enabler", 8, 8, 8, 13, 5, 2, 1),
    FeatureOf("PLT", "Service mesh certificates rotate daily", "enabler", 5, 3, 5, 13, 5, 3, 2, 2),
    FeatureOf("PLT", "SEPA gateway high availability", "enabler", 8, 8, 8, 13, 8, 1, 3, 2),
    FeatureOf("PLT", "Regional failover rehearsal", "enabler", 5, 5, 5, 20, 5, 1, 4, 2),
    FeatureOf("ACQ", "Chargeback evidence assistant", "feature", 13, 8, 3, 3, 13, 3, 0, 1),
    FeatureOf("LED", "Interest accrual replay tool", "enabler", 8, 5, 3, 8, 8, 2, 0, 2),
    FeatureOf("RSK", "Mule account network view", "feature", 13, 13, 5, 8, 13, 2, 0),
    FeatureOf("MOB", "Savings pots", "feature", 13, 13, 3, 1, 13, 4, 0, 1),
    FeatureOf("MOB", "Accessibility: large text everywhere", "compliance", 5, 5, 8, 5, 5, 4, 0),
    FeatureOf("PLT", "Secrets rotation without restart", "enabler", 8, 5, 5, 13, 8, 2, 0, 2),
)

# provider title → consumer title, what is provided
PAYMENTS_DEPENDENCIES = (
    ("Double-entry posting API v2", "Merchant self-service onboarding", "posting API"),
    ("Double-entry posting API v2", "Balance snapshots every 15 minutes", "posting API"),
    ("Refund reversal journal entries", "Instant refunds to wallet", "reversal entries"),
    ("Velocity rules for refunds", "Instant refunds to wallet", "refund limits"),
    ("Device fingerprint signal", "Velocity rules for refunds", "device signal"),
    ("SEPA Instant posting rules", "Settlement file v3 for SEPA Instant", "posting rules"),
    ("Sanctions list delta screening", "Settlement file v3 for SEPA Instant", "screening verdict"),
    ("SEPA gateway high availability", "Settlement file v3 for SEPA Instant", "second gateway"),
    ("Passkey sign-in", "Offline QR payments", "device keys"),
    ("Step-up for approvals", "Passkey sign-in", "step-up API"),
    ("Instant refunds to wallet", "Refund status timeline", "refund events"),
    ("Balance snapshots every 15 minutes", "Fraud model v7 in shadow", "balance feed"),
    ("Service mesh certificates rotate daily", "SEPA gateway high availability", "certificates"),
)
