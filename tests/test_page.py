"""Reading an article's page: headline, description, paragraphs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.page import read_page

PAGE = """<html><head><title>Old title</title><meta property="og:title" content="Exile stabbed &amp; robbed">
<meta name="description" content="He fled in 2019."></head><body><nav><p>Menu of forty characters and some more here</p></nav>
<p>He had written about the <b>prison</b> where he was held for years.</p><script>var p = "<p>no</p>";</script><p>Short.</p>
<p>Police in the city say that they look for two men who came by car.</p></body></html>"""


def test_headline_description_and_paragraphs_are_read_and_menus_are_not() -> None:
    page = read_page(PAGE.encode())
    assert page.title == "Exile stabbed & robbed"
    assert page.summary == "He fled in 2019."
    assert page.text.splitlines() == [
        "He had written about the prison where he was held for years.",
        "Police in the city say that they look for two men who came by car.",
    ]


def test_the_encoding_is_taken_from_the_header_the_page_or_utf_8() -> None:
    text = "<title>Изгнание</title>"
    assert read_page(text.encode("cp1251"), "text/html; charset=windows-1251").title == "Изгнание"
    assert read_page(b'<meta charset="windows-1251">' + text.encode("cp1251")).title == "Изгнание"
    assert read_page(text.encode()).title == "Изгнание"
    assert read_page(text.encode(), "text/html; charset=nonsense").title == "Изгнание"


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(body: bytes) -> None:
    assert isinstance(read_page(body).title, str)
