"""What the SQL of a user may be: one statement that reads the store's tables and views, and nothing about this machine.

DuckDB itself is shut off from files and the network before it is asked. Its own parser tells here what a statement
is made of, so that it is refused for what it says and not for what it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
from duckdb import DuckDBPyConnection, Statement, StatementType

from tracer.errors import QueryError

_TABLE_FUNCTIONS = frozenset(
    {"unnest", "range", "generate_series", "repeat", "repeat_row", "json_each", "json_tree"}
    | {"duckdb_columns", "duckdb_tables", "duckdb_views"}
)
"""Those that make rows of values, or describe the tables. All others reach files, settings or the program's memory."""

_SCALAR_FUNCTIONS = frozenset({"getenv", "current_setting", "json_serialize_plan", "write_log"})
"""Those that tell or do more than their arguments say."""

_LONGEST = 200_000
"""Characters of SQL. DuckDB cannot be interrupted while it plans, and plans some long ones for minutes."""

_EXPLAIN = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\s+(?:analyze\s+|\([^)]*\)\s*)?", re.IGNORECASE | re.DOTALL)


def one_that_reads(connection: DuckDBPyConnection, query: str) -> Statement:
    """Return the statement of a user. Raises QueryError for one that does more than read, and for more than one."""
    _check_length(query)
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type not in (StatementType.SELECT, StatementType.EXPLAIN):
        raise QueryError("only one statement at a time, and only one that reads (select, from, describe …)")
    inner = query
    if statements[0].type == StatementType.EXPLAIN:
        # What is explained with `analyze` is carried out.
        prefix = _EXPLAIN.match(query)
        inner = query[prefix.end() :] if prefix else query
    _check(_parsed(connection, inner))
    return statements[0]


def check_where(connection: DuckDBPyConnection, where: str) -> None:
    """Raise QueryError unless this text is one condition, whose end is its own end: no clause, statement or bracket
    beyond it, and no parameter."""
    # Without brackets around it, so that none of its own can close them.
    found = _parsed(connection, f"select 1 from traces where {where}\n")
    _check(found)
    if any(node.get("class") == "PARAMETER" for node in _nodes(found)):
        raise QueryError("a condition takes no parameters: write the value itself")
    whole = _parsed(connection, "select 1 from traces where true")
    if _without_condition(found) != _without_condition(whole):
        raise QueryError("only a condition can stand here, such as: cost_usd > 0.1 and status = 'ERROR'")


def _parsed(connection: DuckDBPyConnection, query: str) -> list[Any]:
    """Return the statements as DuckDB's parser reads them. It serializes only such as read."""
    _check_length(query)
    ((text,),) = connection.execute("select json_serialize_sql(?::varchar)", [query]).fetchall()
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise QueryError("the SQL is nested too deeply") from error
    if tree["error"]:
        raise QueryError(str(tree["error_message"]))
    statements: list[Any] = tree["statements"]
    return statements


def _check_length(query: str) -> None:
    if len(query) > _LONGEST:
        raise QueryError(f"SQL may have {_LONGEST} characters, not {len(query)}: give long lists as parameters")


def _check(statements: list[Any]) -> None:
    for node in _nodes(statements):
        if node.get("type") == "TABLE_FUNCTION":
            name = str(node["function"]["function_name"]).lower()
            if name not in _TABLE_FUNCTIONS:
                raise QueryError(f"{name}() cannot be asked here: only the tables of the store can")
        elif node.get("type") == "BASE_TABLE":
            name = str(node["table_name"]).lower()
            if name.startswith(("duckdb_", "pragma_")) and name not in _TABLE_FUNCTIONS:
                raise QueryError(f"{name} cannot be asked here: only the tables of the store can")
        elif node.get("class") == "FUNCTION" and str(node["function_name"]).lower() in _SCALAR_FUNCTIONS:
            raise QueryError(f"{node['function_name']}() cannot be asked here")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON value, at any depth."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _without_condition(statements: list[Any]) -> list[Any]:
    if len(statements) == 1 and "where_clause" in statements[0]["node"]:
        return [{**statements[0], "node": {**statements[0]["node"], "where_clause": None}}]
    return statements
