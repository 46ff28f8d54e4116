"""Graphs of steps that follow one another."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    steps: Annotated[list[str], operator.add]


def graph(**nodes: Any) -> StateGraph[State]:
    """The nodes, one after the other."""
    builder = StateGraph(State)
    for before, name in zip([START, *nodes], nodes, strict=False):
        builder.add_node(name, nodes[name])
        builder.add_edge(before, name)
    builder.add_edge(list(nodes)[-1], END)
    return builder
