"""What `tracer demo` runs: the desk of a bicycle co-op, answering from its handbook.

Every method of `Desk` that is traced is written as a program of your own would be; nothing here
knows how it is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import openai
from langchain_core.messages import ToolCall, convert_to_openai_messages
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from tracer import Prompt, current_span, instrument, trace, using
from tracer.demo.chat_model import OpenAIChat
from tracer.demo.handbook import HandbookRetriever, as_context, index_handbook, passages
from tracer.demo.server import LoopbackServer, Reply
from tracer.demo.server.replies import error_object, prompt_tokens
from tracer.demo.tools import TOOLS, StockListError

_ANSWER = """You work at the desk of a bicycle repair co-op. Answer from the handbook, and say so when it is silent.

Context:
{context}"""
_STANDALONE = "Rewrite the user's last question so that it can be understood standalone. Reply with the question only."
_SPLIT = "Split the user's question into sub-questions, one on each line."
_AGENT = "You work at the desk of a bicycle repair co-op. Use the tools, and say so when one fails."


class Desk:
    """The desk and those who come to it; `run` lets them come one after another."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self.trace_ids: list[str] = []
        self.server = LoopbackServer(latency_s=0.15, delay_s=0.02)
        self.client = openai.OpenAI(base_url=self.server.base_url, api_key="loopback")
        self.async_client = openai.AsyncOpenAI(base_url=self.server.base_url, api_key="loopback")

    def run(self) -> list[str]:
        """Record every scene and return the ids of their traces, oldest first."""
        instrument("openai", "langchain")
        with self.server, self.client, using(tags=["demo"]):
            self.open_desk()
            self.serve_visitor()
            for question in (
                "Which stands are free on Friday, and what is the price of a chain replacement for a member?",
                "Please order part CH-1042, and tell me the price of gear tuning.",
            ):
                with using(user_id="pavel"):
                    self.help_out(question)
            asyncio.run(self.research("How long does a chain last, and when is the workshop open on Saturday?"))
            self.digest()
            self.be_refused()
        return self.trace_ids

    def begin(self, title: str) -> None:
        """Note the trace that has just begun, and tell of it."""
        span = current_span()
        if span is not None:
            self.trace_ids.append(span.trace_id)
        self.say(f"\n{len(self.trace_ids)}. {title}")

    # Retrieval: the passages become vectors once, and questions find the nearest.

    @trace(name="open the desk", capture_output=False)
    def open_desk(self) -> None:
        self.begin("The desk opens: the handbook is cut into passages and embedded")
        documents = passages()
        vectors = index_handbook(self.client, documents)
        self.retriever = HandbookRetriever(
            client=self.client, async_client=self.async_client, documents=documents, vectors=vectors
        )
        self.say(f"   {len(documents)} passages from {len({d.metadata['source'] for d in documents})} documents")

    # A session of three turns: each is one trace, held together by its session_id.

    def serve_visitor(self) -> None:
        history: list[dict[str, str]] = []
        with using(session_id="mira-at-the-desk", user_id="mira"):
            for question in (
                "What does a puncture repair cost?",
                "And how long does it take?",
                "日本語で案内してもらえますか？",
            ):
                reply = self.answer(question, history)
                history += [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]

    @trace
    def answer(self, question: str, history: list[dict[str, str]]) -> str:
        """A retrieval chain of LangChain's, whose answer is streamed."""
        self.begin(f"Mira: {question}")
        standalone = self.standalone(question, history) if history else question
        with using(prompt=Prompt("desk-answer", version="3", variables={"question": standalone})):
            return self.tell(self.answer_chain().stream(standalone))

    def answer_chain(self) -> Runnable[str, str]:
        prompt = ChatPromptTemplate.from_messages([("system", _ANSWER), ("human", "{question}")])
        model = OpenAIChat(client=self.client, model="gpt-4o")
        found = {"context": self.retriever | as_context, "question": RunnablePassthrough()}
        return found | prompt | model | StrOutputParser()

    @trace
    def standalone(self, question: str, history: list[dict[str, str]]) -> str:
        messages: list[Any] = [
            {"role": "system", "content": _STANDALONE},
            *history,
            {"role": "user", "content": question},
        ]
        completion = self.client.chat.completions.create(model="gpt-4o-mini", messages=messages, temperature=0)
        return completion.choices[0].message.content or question

    # An agent: the model chooses tools until it can answer. One of them fails, and it goes on without.

    @trace(name="desk agent", kind="agent")
    def help_out(self, question: str) -> str:
        self.begin(f"Pavel, to the agent: {question}")
        tools: list[Any] = [convert_to_openai_tool(tool) for tool in TOOLS]
        messages: list[Any] = [{"role": "system", "content": _AGENT}, {"role": "user", "content": question}]
        while True:
            completion = self.client.chat.completions.create(model="gpt-4.1", messages=messages, tools=tools)
            message = completion.choices[0].message
            messages.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                self.say(f"   → {message.content}")
                return message.content or ""
            messages += [self.use_tool(call) for call in message.tool_calls if call.type == "function"]

    def use_tool(self, call: ChatCompletionMessageFunctionToolCall) -> Any:
        """What the tool said, or that it failed, as a message to the model."""
        tool = next(tool for tool in TOOLS if tool.name == call.function.name)
        arguments = JsonOutputParser().parse(call.function.arguments)
        self.say(f"   {tool.name}({call.function.arguments})")
        try:
            said = tool.invoke(ToolCall(type="tool_call", name=tool.name, args=arguments, id=call.id))
        except StockListError as down:
            self.say(f"   {tool.name} failed: {down}")
            return {"role": "tool", "tool_call_id": call.id, "content": f"Error: {down}"}
        return convert_to_openai_messages(said)

    # Concurrent sub-questions, through the async client and the Responses API.

    @trace
    async def research(self, question: str) -> str:
        self.begin(f"A question in two parts: {question}")
        async with self.async_client as client:
            plan = await client.responses.create(
                model="o4-mini", instructions=_SPLIT, input=question, reasoning={"effort": "low", "summary": "auto"}
            )
            findings = await asyncio.gather(*(self.look_into(part) for part in plan.output_text.splitlines()))
            context = "\n".join(findings)
            events = await client.responses.create(
                model="gpt-5-mini", instructions=_ANSWER.format(context=context), input=question, stream=True
            )
            return self.tell([event.delta async for event in events if event.type == "response.output_text.delta"])

    @trace
    async def look_into(self, question: str) -> str:
        context = as_context(await self.retriever.ainvoke(question))
        response = await self.async_client.responses.create(
            model="gpt-4o-mini", instructions=_ANSWER.format(context=context), input=question
        )
        self.say(f"   {question} → {response.output_text}")
        return response.output_text

    # Accidents: a rate limit that the client's retry overcomes, and a request that is refused.

    @trace
    def digest(self) -> str:
        self.begin("A digest of the handbook, which meets a rate limit first")
        self.server.script(Reply(status=429, headers={"retry-after-ms": "400"}))
        texts = [document.page_content for document in self.retriever.documents[:3]]
        messages: list[Any] = [
            {"role": "system", "content": "Summarise what the user sends, in three sentences."},
            {"role": "user", "content": "\n\n".join(texts)},
        ]
        completion = self.client.chat.completions.create(model="gpt-4.1-mini", messages=messages)
        summary = completion.choices[0].message.content or ""
        self.say(f"   → {summary}")
        return summary

    def be_refused(self) -> None:
        try:
            self.read_minutes("The assembly met in the yard. " * 1200)
        except openai.BadRequestError as refused:
            self.say(f"   refused: {refused.message}")

    @trace
    def read_minutes(self, minutes: str) -> str:
        self.begin("The minutes of forty assemblies are too long for the model")
        tokens = prompt_tokens([minutes])
        problem = (
            f"This model's maximum context length is 8192 tokens. However, your messages resulted in {tokens} tokens."
        )
        self.server.script(Reply(status=400, error=error_object(400, problem, code="context_length_exceeded")))
        messages: list[Any] = [{"role": "user", "content": minutes}]
        completion = self.client.chat.completions.create(model="gpt-4.1-nano", messages=messages)
        return completion.choices[0].message.content or ""

    def tell(self, pieces: Iterable[str]) -> str:
        """Tell an answer as it comes, and return it whole."""
        answer = "".join(pieces)
        self.say(f"   → {answer}")
        return answer
