import io
import re
import zipfile
from html import escape

import pytest
from plotly.offline import get_plotlyjs


@pytest.fixture(scope="session")
def hostile():
    """A name that would run as a script if it were not escaped."""
    return "<script>alert(1)</script>"


@pytest.fixture
def has_figures(hostile):
    """Hold the page of figures in an archive with a hostile title to what was drawn."""

    def check(archive, figures):
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            page = packed.read("figures.html").decode()
        assert page.count(get_plotlyjs()) == 1
        rest = page.replace(get_plotlyjs(), "")
        assert f"<h1>{escape(hostile)}</h1>" in rest
        assert re.findall("<h2>(.*)</h2>", rest) == [escape(heading) for heading in figures]
        assert rest.count("Plotly.newPlot(") == len(figures) > 0
        assert "alert(1)</script" not in rest
        assert not re.search(r"\b(src|href)=", rest), "nothing is fetched"
        assert rest.count('"showSendToCloud": false') == len(figures), "nothing is sent"

    return check
