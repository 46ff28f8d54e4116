-- Time to first token
-- chart: lines
-- unit: ns
select
    start_ns // $bucket * $bucket as time,
    quantile_cont(ttft_ns, 0.5) as p50,
    quantile_cont(ttft_ns, 0.95) as p95
from spans
where ttft_ns is not null
group by time
order by time
