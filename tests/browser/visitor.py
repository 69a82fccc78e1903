"""What the tests do at a page, as a visitor does."""

import time


def bring(page, name, text):
    """Bring a file of text, by its name and what stands in it."""
    file = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    page.locator("input[type=file]").set_input_files(file)


def two_states(look):
    """Look again and again, for five minutes at most, until two different states of what runs were seen."""
    seen, until = set(), time.monotonic() + 300
    while time.monotonic() < until and len(seen) < 2:
        seen |= look()
        time.sleep(0.1)
    return len(seen) >= 2
