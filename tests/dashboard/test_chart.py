"""Every figure is shown the same way, and its camera saves a vector picture with a telling name."""

import json

from streamlit.testing.v1 import AppTest


def page():
    import plotly.graph_objects as go

    from dashboard.widgets.chart import chart

    chart(go.Figure(), "loop-figure")
    chart(go.Figure(), "by-subset-a/b", on_select="rerun")


def test_the_camera_saves_a_vector_picture_named_after_the_figure():
    app = AppTest.from_function(page).run()
    assert not app.exception
    options = [json.loads(shown.proto.config) for shown in app.get("plotly_chart")]
    assert [one["toImageButtonOptions"]["filename"] for one in options] == ["loop-figure", "by-subset-a_b"]
    assert all(one["toImageButtonOptions"]["format"] == "svg" for one in options)
    assert not any(one["displaylogo"] or one["showSendToCloud"] for one in options), "nothing leaves this machine"
