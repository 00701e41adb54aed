"""Reports of the inventory of a park or an enterprise, as XLSX, CSV and a page to print.

``compose`` makes a document of answers, purely; the writers only decide how its cells look, so all
three say the same numbers, which are those of the API.
"""
