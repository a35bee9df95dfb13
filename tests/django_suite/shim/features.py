"""What the `connection` of Django's tests says that the store can do."""

from __future__ import annotations

from typing import Any

__all__ = ["Features"]

_ABLE = """
    allow_sliced_subqueries_with_in allows_auto_pk_0 allows_group_by_select_index atomic_transactions can_defer_constraint_checks
    can_distinct_on_fields can_release_savepoints can_return_columns_from_insert can_return_rows_from_bulk_insert
    has_bulk_insert has_json_object_function has_zoneinfo_database has_native_duration_field supports_boolean_expr_in_select_clause
    supports_cast_with_precision supports_comparing_boolean_expr supports_date_lookup_using_string
    supports_deferrable_unique_constraints supports_default_in_lead_lag supports_expression_defaults supports_expression_indexes
    supports_foreign_keys supports_frame_exclusion supports_frame_range_fixed_distance supports_ignore_conflicts supports_json_field
    supports_json_field_contains supports_microsecond_precision supports_nullable_unique_constraints supports_over_clause
    supports_partial_indexes supports_primitives_in_json_field supports_regex_backreferencing supports_select_difference
    supports_select_intersection supports_select_union supports_slicing_ordering_in_compound supports_stored_generated_columns
    supports_subqueries_in_group_by supports_table_check_constraints supports_temporal_subtraction supports_timezones
    supports_transactions supports_tuple_lookups supports_update_conflicts supports_update_conflicts_with_target
    supports_virtual_generated_columns update_can_self_select uses_savepoints supports_select_for_update_with_limit
    supports_explaining_query_execution supports_unlimited_charfield supports_any_value supports_no_precision_decimalfield
    supports_paramstyle_pyformat supports_order_by_nulls_modifier test_db_allows_multiple_connections supports_forward_references bare_select_suffix_free
"""


class Features:
    """Flags by name: True for what the store can do, False for every other one, values where a flag has one."""

    max_query_params: int | None = None
    minimum_database_version: None = None
    time_cast_precision = 6
    supported_explain_formats: frozenset[str] = frozenset({"TEXT"})
    test_collations: dict[str, str | None] = {
        "ci": "nocase",
        "cs": "binary",
        "non_default": "nocase",
        "swedish_ci": None,
        "virtual": "binary",
    }
    django_test_skips: dict[str, set[str]] = {}
    django_test_expected_failures: frozenset[str] = frozenset()
    insert_test_table_with_defaults: None = None
    test_now_utc_template: None = None
    empty_fetchmany_value: list[Any] = []

    def __init__(self) -> None:
        for name in _ABLE.split():
            setattr(self, name, True)

    def __getattr__(self, name: str) -> bool:
        if name.startswith("__"):
            raise AttributeError(name)
        return False
