"""Who may import whom, held by looking at fresh interpreters and at the source."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dashboard
import mlip_core

HEAVY = {
    "torch",
    "phonopy",
    "chgnet",
    "sevenn",
    "metatomic",
    "metatomic_ase",
    "metatensor",
    "metatrain",
    "upet",
    "dask",
    "distributed",
}
CORE = Path(mlip_core.__file__).parent
SCREEN = Path(dashboard.__file__).parent


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_knows_no_screen(path):
    assert not {"streamlit", "dashboard", "plotly"} & set(imported(path))


@pytest.mark.parametrize("path", sorted(SCREEN.rglob("*figures.py")), ids=lambda path: path.parent.name)
def test_figures_know_no_streamlit(path):
    assert "streamlit" not in set(imported(path))


def loaded_after(code, home):
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"MLIP_DASHBOARD_HOME": str(home)},
        timeout=120,
    )
    return set(run.stdout.split())


def test_importing_the_core_is_light(tmp_path):
    assert not HEAVY & loaded_after("import mlip_core", tmp_path)


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE)))
def test_heavy_packages_load_where_they_are_used(path):
    tree = ast.parse(path.read_text())
    top = {
        name.partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert not HEAVY & top


def test_the_web_process_stays_light_over_every_page(tmp_path):
    visit = f"""
import warnings; warnings.simplefilter("ignore")
import logging; logging.disable(logging.CRITICAL)
from streamlit.testing.v1 import AppTest
from mlip_core.jobs.queue import Jobs
Jobs.ensure_dispatcher = lambda self: None
app = AppTest.from_file({str(SCREEN / "app.py")!r}, default_timeout=60)
app.query_params["structure"] = "si"
app.run()
from dashboard.views import FOLDERS
from dashboard.widgets.navigation import script
for name in FOLDERS[1:]:
    app.switch_page(script(name)); app.run()
    assert not app.exception and not app.error, (name, app.exception, app.error)
"""
    assert not HEAVY & loaded_after(visit, tmp_path)


@pytest.mark.parametrize("path", sorted(SCREEN.rglob("*.py")), ids=lambda path: str(path.relative_to(SCREEN)))
def test_keys_of_the_session_that_code_sets_are_named_in_one_place(path):
    """Widgets have keys of their own; what else the session holds is named in state.py."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "st.session_state":
            assert not isinstance(node.slice, ast.Constant)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("st.session_state."):
            assert not isinstance(node.args[0], ast.Constant)
