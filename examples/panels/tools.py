"""A page of one's own in the viewer: how often each tool is called, how long it takes, and how often it fails.

tracer view --pages examples/panels
"""

import streamlit as st

from tracer import Store

TOOLS = """
    select name, count(*) as calls, count(*) filter (status = 'ERROR') as failed,
        round(median(end_ns - start_ns) / 1e6, 1) as median_ms
    from spans where kind = 'tool' group by name order by calls desc
"""

st.title("Tools")
tools = Store().sql(TOOLS).df()
if tools.empty:
    st.info("No tool was called yet: try `tracer demo`.")
else:
    st.dataframe(tools, hide_index=True)
    st.bar_chart(tools, x="name", y=["calls", "failed"])
