"""What Streamlit runs for every page: the page that the address names."""

import streamlit as st

from tracer.viewer import components, project

st.set_page_config(page_title="tracer", page_icon=components.ICON, layout="wide", initial_sidebar_state="collapsed")
ours = st.Page("pages/traces.py", title="Traces", default=True)
st.navigation([ours, *map(st.Page, project.pages())], position="top").run()
