"""A cell of a table that people open in a spreadsheet. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.text import formula_safe


def cell(value: object) -> str:
    """Give `value` as a cell that no spreadsheet takes for a formula; lists with "; " between. A number stays one."""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return formula_safe("; ".join(str(one["term"]) if isinstance(one, Mapping) else str(one) for one in value))
    return formula_safe("" if value is None else str(value))
