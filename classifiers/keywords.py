"""The keyword baseline: a boolean query as an analyst would keep it in a news search.

It reads the same lexicon as the model and learns nothing. A text matches when it names the subject outright, or when
it speaks of a person who lives abroad, of what is done to such people, and of a state that does it. What the model is
worth is the distance to this.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifiers import Score, Text, concepts
from classifiers.features import prepared
from classifiers.letters import spaced_text

_OUTRIGHT = frozenset({"transnational", "station"})
_ABROAD = frozenset({"exile", "diaspora", "defector", "fled", "refugee", "abroad"})
_PERSON = frozenset({"dissident", "activist", "opposition", "journalist", "minority", "relatives", "defector", "exile"})
_HARM = frozenset(
    {
        "kill", "attack", "poison", "plot", "abduct", "threaten", "silence", "follow", "spyware", "rednotice", "bounty",
        "absentia", "extradite", "deport", "persuade", "passport", "exitban", "warrant", "wanted",
    }
)  # fmt: skip
_EVERYDAY = frozenset({"sport", "film", "game", "drug", "weather", "markets", "celebrity", "accident"})


class KeywordQuery:
    """A classifier that only looks for words: 1 for the subject by name, 0.9 for who, where and what, else 0."""

    name = "keywords"

    def score(self, texts: Sequence[Text]) -> list[Score]:
        """Score texts in their order; see `classifiers.Classifier`."""
        return [Score(value=self._value(text), model=self.name) for text in texts]

    def _value(self, text: Text) -> float:
        found = self._concepts(text)
        if found & _OUTRIGHT and not found & _EVERYDAY:
            return 1.0
        speaks_of_it = bool(found & _ABROAD and found & _PERSON and found & _HARM and "any-origin" in found)
        return 0.9 if speaks_of_it and not found & _EVERYDAY else 0.0

    def _concepts(self, text: Text) -> set[str]:
        spaced = f" {spaced_text(prepared(text.title, text.summary, text.text))} "
        names = concepts.names()
        return {names[number] for number in np.unique(concepts.mentions(spaced).concept).tolist()}
