"""Writes one instance and reads it again: the plan of its rows, saving, refreshing."""

from modelkit.persistence.plans import LevelPlan, SavePlan, plan_of, row_of, stored_by
from modelkit.persistence.refreshing import load_deferred, refresh
from modelkit.persistence.saving import check_related, check_versions, insert_rows, mark_saved, save, take_filled

__all__ = [
    "LevelPlan",
    "SavePlan",
    "check_related",
    "check_versions",
    "insert_rows",
    "load_deferred",
    "mark_saved",
    "plan_of",
    "refresh",
    "row_of",
    "save",
    "stored_by",
    "take_filled",
]
