-- Overview
-- chart: figures
select
    count(*) as traces,
    avg((error_count > 0)::int) as "with errors:share",
    sum(cost_usd) as "cost:usd",
    sum(input_tokens) as "tokens in:tokens",
    sum(output_tokens) as "tokens out:tokens",
    quantile_cont(end_ns - start_ns, 0.5) as "p50:ns",
    quantile_cont(end_ns - start_ns, 0.95) as "p95:ns"
from traces
