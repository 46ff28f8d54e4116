-- Prompt versions
select
    prompt_name as prompt,
    prompt_version as version,
    count(*) as calls,
    avg((status = 'ERROR')::int) as "errors:share",
    avg(input_tokens) as "tokens in:tokens",
    avg(output_tokens) as "tokens out:tokens",
    avg(cost_usd) as "cost:usd",
    quantile_cont(end_ns - start_ns, 0.5) as "p50:ns",
    quantile_cont(end_ns - start_ns, 0.95) as "p95:ns"
from $calls
where prompt_name is not null
group by prompt, version
order by prompt, version desc
