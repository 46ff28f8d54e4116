"""A shop's help desk: a LangGraph agent with tools and a memory, asked twice in one thread.

python examples/langgraph_agent.py
"""

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver

from tracer import instrument, span, trace
from tracer.demo import ensure_endpoint

ORDERS = {"A-1042": {"item": "raincoat", "status": "delivered", "days_ago": 12}}


@trace
def load_order(order_id: str) -> dict:
    """What a database would be asked; called by the tools, so it shows inside of them."""
    with span("orders table", kind="other", input={"order_id": order_id}) as query:
        order = ORDERS[order_id]
        query.set(output=order)
    return order


@tool
def find_order(order_id: str) -> str:
    """Find an order: what was bought and where the parcel is."""
    order = load_order(order_id)
    return f"Order {order_id} is a {order['item']}, {order['status']} {order['days_ago']} days ago."


@tool
def check_return(order_id: str) -> str:
    """Check whether an order can still be returned."""
    days_left = 30 - load_order(order_id)["days_ago"]
    return f"Order {order_id} can be returned for another {days_left} days."


@trace(kind="agent")
def help_desk(questions: list[str], thread_id: str) -> list[str]:
    agent = create_agent(
        ChatOpenAI(model="gpt-4o-mini", temperature=0),
        tools=[find_order, check_return],
        system_prompt="You are a shop's help desk. Use the tools, and answer in one or two sentences.",
        checkpointer=InMemorySaver(),
    )
    config = {"configurable": {"thread_id": thread_id}}
    answers = []
    for question in questions:
        state = agent.invoke({"messages": [{"role": "user", "content": question}]}, config)
        answers.append(state["messages"][-1].content)
    return answers


if __name__ == "__main__":
    ensure_endpoint()  # only for a run without a key; a program of yours does without
    instrument("langchain", "openai")
    asked = ["Where is my order A-1042, and can I still return it?", "Thank you. Was it delivered?"]
    for question, answer in zip(asked, help_desk(asked, thread_id="customer-7"), strict=True):
        print(f"{question}\n  {answer}")
