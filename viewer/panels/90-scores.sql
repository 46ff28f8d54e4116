-- Scores
select
    name,
    label,
    count(*) as times,
    avg(value) as mean,
    min(value) as lowest,
    max(value) as highest
from scores
where trace_id in (select trace_id from traces)
group by name, label
order by name, times desc
