"""Campaigns: one text to everybody who agreed to hear about its subject, each person at most once (design §5).

`acts`: what people do with one. `content`: its text, checked and filled in. `asking`: the judge's questions. `freezing`:
the list, written at approval. `source`: claims, in slices. `work`: what a worker does with one. Sends go by `hub.gate` alone.
"""
