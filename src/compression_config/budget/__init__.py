"""Budgets: how many weight elements are masked, exactly. Names only."""

from compression_config.budget.budget import Budget, ModelBudget, budget_of
from compression_config.budget.counting import masked_count, ratio_for
from compression_config.budget.findings import budget_findings
from compression_config.budget.groups import GroupBudget, LayerBudget
from compression_config.budget.plain import budget_to_dict, share_in_words
from compression_config.budget.storage import Storage

__all__ = [
    "Budget",
    "GroupBudget",
    "LayerBudget",
    "ModelBudget",
    "Storage",
    "budget_findings",
    "budget_of",
    "budget_to_dict",
    "masked_count",
    "ratio_for",
    "share_in_words",
]
