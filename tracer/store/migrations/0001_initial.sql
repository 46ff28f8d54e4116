-- The schema of a store. Its names are public API: users query them.
-- Times are Unix nanoseconds, ids are lower-case hex, NULL is unknown and never zero.

-- One row a span, as tracer.rows.SPAN_COLUMNS lists them. zstd packs texts that are long and alike, but takes four to
-- eight bytes for a NULL too, so the columns that are mostly empty are left to DuckDB's choice, which may be zstd.
create table spans (
    trace_id varchar,
    span_id varchar,
    parent_id varchar,
    name varchar,
    kind varchar,  -- llm, embedding, tool, retriever, reranker, agent, workflow, chain, guardrail, evaluator, …
    start_ns bigint,
    end_ns bigint,  -- NULL: not ended
    status varchar,  -- OK, ERROR, CANCELLED, INTERRUPTED, INCOMPLETE; NULL: not ended
    status_message varchar,
    error_type varchar,
    operation varchar,
    provider varchar,
    request_model varchar,
    response_model varchar,
    response_id varchar,
    request_id varchar,
    finish_reasons varchar[],
    stream boolean,
    retries integer,  -- tries after the first
    ttft_ns bigint,  -- from start_ns to the first content
    request_parameters json,
    input_tokens bigint,  -- cached, cache_write and audio tokens are among them
    output_tokens bigint,  -- reasoning and audio tokens are among them
    cached_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    audio_input_tokens bigint,
    audio_output_tokens bigint,
    usage_source varchar,  -- api, tokenizer, estimate
    cost_usd decimal(18, 9),
    input_cost_usd decimal(18, 9),
    output_cost_usd decimal(18, 9),
    session_id varchar,
    user_id varchar,
    tags varchar[],
    metadata json,
    input json using compression zstd,
    output json using compression zstd,
    system_instructions json,
    tool_definitions json,
    prompt_name varchar,
    prompt_version varchar,
    prompt_variables json,
    function_id varchar,
    process_id varchar,
    attributes json,
    events json,
    links json,
    scope_name varchar,
    dialect varchar,  -- native, genai, openinference, traceloop, logfire, other
    rev integer  -- 0: not ended; among ended rows of one span the highest counts
);

-- One row a trace, made from its spans. Name, status and previews are those of its root: the earliest span whose
-- parent is not stored. Tokens and cost are summed over the topmost model calls that have a value.
create table traces (
    trace_id varchar,
    name varchar,
    start_ns bigint,
    end_ns bigint,  -- NULL: the root has not ended
    status varchar,
    status_message varchar,  -- the root's, else that of the first span that failed
    span_count bigint,
    error_count bigint,  -- spans with status ERROR
    model_call_count bigint,
    input_tokens bigint,
    output_tokens bigint,
    cached_tokens bigint,
    cost_usd decimal(18, 9),
    tokens_unknown_calls bigint,  -- model calls with no figure: the sum is then a lower bound
    cost_unknown_calls bigint,
    models varchar[],
    session_id varchar,
    user_id varchar,
    tags varchar[],
    input_preview varchar,
    output_preview varchar,
    process_id varchar  -- the root's
);

create table scores (
    trace_id varchar,
    span_id varchar,  -- NULL: the score is of the trace
    name varchar,
    value double,
    label varchar,
    comment varchar,
    source varchar,
    time_ns bigint
);

create table processes (
    process_id varchar,
    pid bigint,
    start_ns bigint,
    argv varchar[],
    executable varchar,
    python varchar,
    platform varchar,
    cwd varchar,
    packages json,  -- name: version
    git json  -- commit, branch, remote
);

-- The source of decorated functions; function_id is its hash.
create table functions (
    function_id varchar,
    module varchar,
    qualname varchar,
    file varchar,
    line bigint,
    source varchar using compression zstd
);

-- What a model's tokens cost, in USD per million. All NULL: the price is unknown. `by_rule`: it depends on the call
-- (tiers, dates), so that there is no one figure.
create table prices (
    provider varchar,
    model varchar,
    input_mtok double,
    cached_mtok double,
    cache_write_mtok double,
    audio_input_mtok double,
    output_mtok double,
    audio_output_mtok double,
    by_rule boolean,
    source varchar
);

-- The journal's segments that are in this store, so that none is absorbed twice.
create table segments (
    name varchar,
    absorbed_ns bigint
);
