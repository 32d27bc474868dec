"""Recognises in what a person wrote that they want to be left alone, or ask for a right (policy §3, §4.1).

Pure: the words come in as a `Lexicon`; nothing is read, kept or logged here.
"""

from hub.policy.optout.lexicon import Lexicon, WordList, compile_lexicon
from hub.policy.optout.recognise import recognise

__all__ = ["Lexicon", "WordList", "compile_lexicon", "recognise"]
