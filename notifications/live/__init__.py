"""The live stream: open pages follow what happens (SPEC 6).

`changes` are rows written with their cause; `topics` say what can be followed and by whom; one `listener`
in each server process reads what is new and hands frames to the `hub`, which holds the open streams;
`application` is what a browser talks to.
"""
