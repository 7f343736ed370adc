"""Which statements an analyst may run: one SELECT over ``readings`` and nothing else.

Pure but for a parser: DuckDB's own parse tree is walked, and what is not on a list is
refused. The locked engine (query.py) is the second barrier: it cannot reach other files even
if this gate is wrong.
"""

import re
from collections.abc import Collection
from typing import Final

import duckdb
import msgspec

from sinks.query.functions import functions_of
from sinks.query.parse_tree import Tree, objects_in

VIEW: Final = "readings"
STATEMENT_LENGTH_MAX: Final = 20_000
_NODES: Final = frozenset(
    {
        "SELECT_NODE",
        "SET_OPERATION_NODE",
        "RECURSIVE_CTE_NODE",
        "CTE_NODE",
        "BASE_TABLE",
        "SUBQUERY",
        "JOIN",
        "EMPTY",
        "EXPRESSION_LIST",
        "TABLE_FUNCTION",
        "ORDER_MODIFIER",
        "LIMIT_MODIFIER",
        "LIMIT_PERCENT_MODIFIER",
        "DISTINCT_MODIFIER",
        "ORDER_DEFAULT",
        "ASCENDING",
        "DESCENDING",
    }
)
_TABLE_FUNCTIONS: Final = frozenset({"range", "generate_series", "unnest"})
_CTE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_CATALOG: Final = """
SELECT lower(view_name) FROM duckdb_views() UNION SELECT lower(table_name) FROM duckdb_tables()
"""


class QueryRefusedError(Exception):
    """The statement asks for more than one purpose's live rows; the message names it."""


class Gate:
    """Knows the engine's harmless functions and taken names; asks ``engine`` to parse."""

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine
        self._functions = functions_of(engine).harmless
        taken = {row[0] for row in engine.execute(_CATALOG).fetchall()}
        self._taken = frozenset(taken | {VIEW})

    def check(self, statement: str) -> Tree:
        """The statement's parse tree, if it may run; ``QueryRefusedError`` otherwise."""
        tree = self._parse(statement)
        nodes = list(objects_in(tree))
        names = {VIEW}
        for node in nodes:
            names |= self._cte_names(node)
        for node in nodes:
            self._check_node(node, names)
        return tree

    def _parse(self, statement: str) -> Tree:
        if len(statement) > STATEMENT_LENGTH_MAX:
            msg = f"a statement may be {STATEMENT_LENGTH_MAX} characters long"
            raise QueryRefusedError(msg)
        found = self._engine.execute("SELECT json_serialize_sql($1)", [statement]).fetchone()
        tree: Tree = msgspec.json.decode(found[0]) if found else {"error": True}
        if tree["error"]:
            why = tree.get("error_message", "it cannot be parsed")
            msg = f"only one SELECT over {VIEW} may run here: {why}"
            raise QueryRefusedError(msg)
        if len(tree["statements"]) != 1:
            msg = f"only one SELECT over {VIEW} may run here, not several statements"
            raise QueryRefusedError(msg)
        return tree

    def _cte_names(self, node: Tree) -> set[str]:
        names = {entry["key"].lower() for entry in node.get("cte_map", {}).get("map", [])}
        for name in names:
            # Outside its scope, such a name would mean the engine's own table, or a file.
            if name in self._taken or not _CTE_NAME.fullmatch(name):
                msg = "name a WITH query with letters, digits and underscore, and not like a table"
                raise QueryRefusedError(msg)
        return names

    def _check_node(self, node: Tree, names: Collection[str]) -> None:
        kind = node.get("type")
        if isinstance(kind, str) and "class" not in node and kind not in _NODES:
            msg = f"this form of statement is not allowed here ({kind.lower().replace('_', ' ')})"
            raise QueryRefusedError(msg)
        if kind == "BASE_TABLE":
            local = not node["schema_name"] and not node["catalog_name"]
            if not local or node["table_name"].lower() not in names:
                msg = f"only {VIEW} can be read here: a session holds one purpose and no files"
                raise QueryRefusedError(msg)
        if kind == "TABLE_FUNCTION" and node["function"]["function_name"] not in _TABLE_FUNCTIONS:
            msg = f"table functions cannot be used here: only {VIEW} can be read, and no files"
            raise QueryRefusedError(msg)
        function = node.get("function_name")
        if function is not None and function.lower() not in self._functions:
            msg = f"the function {function!r} is not allowed here"
            raise QueryRefusedError(msg)
