-- The longest prompts
-- chart: bars
-- unit: tokens
-- opens: name:{name}
select name, max(input_tokens) as "longest"
from spans
where kind = 'llm' and input_tokens is not null
group by name
order by longest desc
limit 10
