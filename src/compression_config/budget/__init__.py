"""Budgets: how many weight elements are masked, exactly. Names only."""

from compression_config.budget.budget import Budget, ModelBudget, budget_of
from compression_config.budget.counting import masked_count, ratio_for
from compression_config.budget.findings import budget_findings
from compression_config.budget.groups import GroupBudget, LayerBudget
from compression_config.budget.storage import Storage

__all__ = [
    "Budget",
    "GroupBudget",
    "LayerBudget",
    "ModelBudget",
    "Storage",
    "budget_findings",
    "budget_of",
    "masked_count",
    "ratio_for",
]
