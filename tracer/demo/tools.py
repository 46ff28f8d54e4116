"""The tools of the demo's agent: two that work, and one whose stock list is down."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Literal

from langchain_core.tools import BaseTool, tool

Repair = Literal[
    "puncture repair", "chain replacement", "brake adjustment", "gear tuning", "wheel truing", "full service"
]
Day = Literal["Tuesday", "Thursday", "Friday", "Saturday"]

_TAKEN = {"Tuesday": ("14:00", "15:00"), "Thursday": ("14:00", "16:00", "17:00"), "Saturday": ("10:00",)}


class StockListError(RuntimeError):
    """The desk's computer does not answer."""


@tool
def price_of_repair(repair: Repair, member: bool = False) -> dict[str, str | float]:
    """What the labour of one repair costs in euros; members pay half."""
    table = (files("tracer.demo") / "corpus" / "prices.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {repair} \| ([\d.]+) € \| (.+?) \|$", table, re.M | re.I)
    if row is None:
        raise LookupError(f"there is no price for {repair!r}")
    price = float(row[1])
    return {"repair": repair, "price_eur": price / 2 if member else price, "takes": row[2]}


@tool
def free_stands(day: Day) -> str:
    """The hours at which a repair stand is free on a day."""
    hours = [f"{hour}:00" for hour in range(10 if day in ("Friday", "Saturday") else 14, 18)]
    return f"On {day} a stand is free at {', '.join(hour for hour in hours if hour not in _TAKEN.get(day, ()))}."


@tool
def order_part(part_number: str) -> str:
    """Order a part by its part number, e.g. TU-2800."""
    try:
        raise ConnectionRefusedError(111, "Connection refused", "stock.local")
    except ConnectionRefusedError as refused:
        raise StockListError(f"cannot order {part_number}: the stock list does not answer") from refused


TOOLS: list[BaseTool] = [price_of_repair, free_stands, order_part]
