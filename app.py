"""The dashboard: `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

from gandash.pages import style

PAGES = Path(__file__).parent / "gandash" / "pages"

st.set_page_config(
    page_title="gandash", page_icon=style.ICON, layout="wide", initial_sidebar_state=style.SIDEBAR_PIXELS
)
st.logo(style.LOGO, size="large", icon_image=style.LOGO)
style.apply()

page = st.navigation(
    [
        st.Page(PAGES / "train.py", title="Train", icon=":material/model_training:", default=True),
        st.Page(PAGES / "runs.py", title="Runs", icon=":material/history:", url_path="runs"),
    ],
    position="top",
)
page.run()
