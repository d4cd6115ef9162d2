"""The review pages: what was decided, why, and what people say of it. Started by `longarm web`.

Reads the state beside a running daemon and never writes it: what a person wants is left as an errand. Nothing is loaded
from anywhere else, and what strangers wrote is text. docs/design/who-may-see-a-page.md
"""
