-- Where the time goes
-- chart: bars
-- unit: ns
-- opens: name:{name}
select name, sum(end_ns - start_ns) as total
from spans
where kind in ('llm', 'embedding', 'reranker', 'tool', 'retriever', 'mcp', 'http')
group by name
order by total desc
limit 10
