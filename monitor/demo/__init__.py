"""The bundled sample news of `longarm demo`: invented outlets, real public events, one week.

`feeds/` holds one JSON Lines file an outlet, `items` reads them and knows which items matter, `formats` writes them as
RSS, Atom, RDF and JSON Feed, `server` serves them on loopback in virtual time.
"""
