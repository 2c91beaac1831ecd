"""What Streamlit runs for every visitor: the frame of all pages, and in it the page that the address names."""

import streamlit as st

from gandash.pages import EXPLORE, RUNS, TRAIN, frame, style

st.set_page_config(
    page_title="gandash", page_icon=style.ICON, layout="wide", initial_sidebar_state=style.SIDEBAR_PIXELS
)
st.logo(style.LOGO, size="large", icon_image=style.LOGO)
style.apply()

pages = [
    st.Page(TRAIN, title="Train", icon=":material/model_training:", default=True),
    st.Page(EXPLORE, title="Explore", icon=":material/explore:", url_path="explore"),
    st.Page(RUNS, title="Runs", icon=":material/history:", url_path="runs"),
]
page = st.navigation(pages, position="top")
frame.show(pages, page)
page.run()
