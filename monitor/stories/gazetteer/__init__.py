"""Names of states, cities, agencies and groups in many languages, and where a text names them.

Pure but for its own data files, which are read once, when a text is first read.
"""
