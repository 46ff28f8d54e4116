"""What Streamlit runs for every page: the frame of the viewer, then the page that the address names."""

import streamlit as st

from tracer.viewer import components

st.set_page_config(page_title="tracer", page_icon=components.ICON, layout="wide", initial_sidebar_state="collapsed")
components.frame()
st.navigation([st.Page("pages/traces.py", title="Traces", default=True)], position="top").run()
