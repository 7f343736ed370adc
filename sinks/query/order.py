"""Whether a statement shows the order of the rows that it reads. Pure, over a parse tree.

Sorting all rows costs more than anything else a query does, and a count does not show it. What is
not known not to show it does: rows themselves, ``first``, ``list``, windows, limits, joins, and
whatever is nested. Groups come out in the order of how they were met, so a statement that has some
is given an order of its own, by all its columns.
"""

from collections.abc import Collection, Iterator
from typing import Final

from sinks.query.parse_tree import Tree, objects_in

ORDER_FREE: Final = frozenset(
    {
        "approx_count_distinct", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or",
        "corr", "count", "count_if", "count_star", "countif", "covar_pop", "covar_samp", "entropy",
        "favg", "fsum", "kahan_sum", "kurtosis", "kurtosis_pop", "mad", "max", "mean", "median",
        "min", "product", "quantile", "quantile_cont", "quantile_disc", "regr_avgx", "regr_avgy",
        "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy",
        "regr_syy", "sem", "skewness", "stddev", "stddev_pop", "stddev_samp", "sum", "sumkahan",
        "var_pop", "var_samp", "variance",
    }
)  # fmt: skip
"""Aggregates whose result is that of a set of values, but for the last digit of a sum."""
_EXPRESSIONS: Final = frozenset(
    {
        "BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT",
        "FUNCTION", "OPERATOR",
    }
)  # fmt: skip


def suffix_for_any_order(tree: Tree, scalar: Collection[str], view: str) -> str | None:
    """What to write behind a statement so that it may read the view in any order, perhaps nothing.

    None: it shows the order of what it reads.
    """
    node = tree["statements"][0]["node"]
    if node.get("type") != "SELECT_NODE" or not _reads(node, view):
        return None
    expressions = list(_expressions(node))
    if not all(_is_order_free(one, scalar) for one in expressions):
        return None
    grouped = bool(node["group_expressions"]) or node["aggregate_handling"] == "FORCE_AGGREGATES"
    counts = any(_is_aggregate(one) for part in node["select_list"] for one in objects_in(part))
    if not grouped and not counts:
        return None
    kinds = [modifier["type"] for modifier in node["modifiers"]]
    if not grouped:
        return "" if not kinds else None  # one row
    columns = ", ".join(str(n + 1) for n in range(len(node["select_list"])))
    if not kinds:
        return f"\nORDER BY {columns}"
    return f"\n, {columns}" if kinds == ["ORDER_MODIFIER"] else None


def _reads(node: Tree, view: str) -> bool:
    """Whether it reads the view itself, whole, and nothing else."""
    source = node["from_table"]
    plain = source.get("type") == "BASE_TABLE" and source["table_name"].lower() == view
    bare = not (node["cte_map"]["map"] or node["sample"] or node["qualify"] or source["sample"])
    return bool(plain and bare and len(node["group_sets"]) <= 1)


def _expressions(node: Tree) -> Iterator[Tree]:
    for part in ("select_list", "where_clause", "group_expressions", "having", "modifiers"):
        yield from (one for one in objects_in(node[part]) if "class" in one)


def _is_order_free(expression: Tree, scalar: Collection[str]) -> bool:
    if expression["class"] not in _EXPRESSIONS:
        return False
    if expression["class"] != "FUNCTION":
        return True
    if expression["order_bys"] and expression["order_bys"]["orders"]:
        return False
    return expression["function_name"].lower() in scalar or _is_aggregate(expression)


def _is_aggregate(expression: Tree) -> bool:
    name = expression.get("function_name")
    return isinstance(name, str) and name.lower() in ORDER_FREE
