"""One HTML page for a quarter or for years: published tables in, a file out that opens from disk and asks nobody.

`content.py` reads the tables, `layout.py` gives each topic its place, `blocks.py` packs both, `writer.py` puts them
into the page, whose own text, style and scripts lie in `page/`.
"""
