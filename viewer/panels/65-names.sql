-- Traces by name
-- opens: name:{name}
select
    name,
    count(*) as traces,
    avg((error_count > 0)::int) as "with errors:share",
    sum(input_tokens) as "tokens in:tokens",
    sum(output_tokens) as "tokens out:tokens",
    sum(cost_usd) as "cost:usd",
    quantile_cont(end_ns - start_ns, 0.5) as "p50:ns",
    quantile_cont(end_ns - start_ns, 0.95) as "p95:ns"
from traces
group by name
order by traces desc
limit 50
