"""Tables for a desk and for a room."""

import ast
import io
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.widgets.table import as_read, headed, large_table

number = st.column_config.NumberColumn
ROWS = pd.DataFrame(
    {
        "configuration": ["PET", "SOAP"],
        "λ": [1.23456e-3, float("nan")],
        "steps": [3, 4],
        "done": [True, False],
        "why": [None, "no <b>force</b>"],
    }
)
CONFIG = {"λ": number("λ of ∂F/∂x", format="%.2e", help="0 for a 'gradient'"), "steps": number("steps <n>")}


def parsed(html):
    root = ElementTree.fromstring(html)
    heading, *rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    return pd.DataFrame(rows, columns=heading)


def test_a_large_table_leaves_out_what_the_small_one_does():
    colored = ROWS.style.apply(lambda _: ["", "color: red"], subset=["steps"])
    table = parsed(large_table(colored, CONFIG, column_order=["configuration", "steps"], hide_index=True))
    assert list(table.columns) == ["configuration", "steps <n>"]
    assert list(table["steps <n>"]) == ["3", "4"]


def test_a_large_table_has_the_headings_and_formats_of_the_small_one():
    table = parsed(large_table(ROWS, CONFIG, hide_index=True))
    assert list(table.columns) == ["configuration", "λ of ∂F/∂x", "steps <n>", "done", "why"]
    assert table.values.tolist() == [
        ["PET", "1.23×10⁻³", "3", "✓", "–"],
        ["SOAP", "–", "4", "–", "no <b>force</b>"],
    ]


def test_explanations_and_hostile_text_are_escaped():
    html = large_table(ROWS, CONFIG, hide_index=True)
    assert "title='0 for a &#x27;gradient&#x27;'" in html
    assert "no <b>" not in html


def test_columns_come_in_their_order_and_an_index_goes_first():
    rows = ROWS.set_index("configuration")
    assert list(parsed(large_table(rows, CONFIG)).columns)[:2] == ["configuration", "λ of ∂F/∂x"]
    ordered = parsed(large_table(ROWS, CONFIG, column_order=["done", "missing", "λ"], hide_index=True))
    assert list(ordered.columns) == ["done", "λ of ∂F/∂x"]


def test_the_best_keeps_its_colour():
    best = ROWS.style.highlight_min(subset=["steps"], color="#123456")
    html = large_table(best, CONFIG, hide_index=True)
    assert html.count("background-color: #123456") == 1
    assert parsed(html)["steps <n>"].tolist() == ["3", "4"]


def showing():
    import pandas as pd

    from dashboard.widgets.table import show_table

    show_table(pd.DataFrame({"a": [1.0]}), hide_index=True)


@pytest.mark.parametrize("projector", ["true", "false"])
def test_the_projector_has_tables_that_grow(projector):
    app = AppTest.from_function(showing)
    app.session_state["projector"] = projector
    app.run()
    assert not app.exception
    assert (len(app.get("html")), len(app.dataframe)) == ((1, 0) if projector == "true" else (0, 1))


def test_only_tables_in_which_rows_are_chosen_stay_small():
    """They cannot be HTML."""
    for path in Path(dashboard.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.dataframe" and path.name != "table.py":
                assert "on_select" in {word.arg for word in node.keywords}, f"{path}: show_table instead"


def test_headings_are_in_sentence_case_and_symbols_stay():
    config = headed(ROWS.set_index("configuration"), CONFIG)
    assert {name: told["label"] for name, told in config.items()} == {
        "configuration": "Configuration",
        "λ": "λ of ∂F/∂x",
        "steps": "Steps <n>",
        "done": "Done",
        "why": "Why",
    }


def test_at_a_desk_numbers_are_written_as_people_read_them_and_stay_numbers():
    rows = ROWS.assign(change=[-1.18, 0.5])
    styler, config = as_read(rows, headed(rows, CONFIG | {"change": number(format="%.2f")}))
    table = pd.read_html(io.StringIO(styler.to_html()))[0]
    assert table["λ"].tolist() == ["1.23×10⁻³", "–"]
    assert table["change"].tolist() == ["−1.18", "0.50"]
    assert styler.data["change"].tolist() == [-1.18, 0.5], "by which they are sorted"
    assert "format" not in config["λ"]["type_config"], "it would be written anew"
