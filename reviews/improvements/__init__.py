"""What findings may change, kind by kind: how a proposal becomes one act of the app that owns the thing."""

from . import checks, debts, documents, onboarding, policies, raw, testing  # noqa: F401 - each registers its kinds
from .registry import Plan, plan

__all__ = ["Plan", "plan"]
