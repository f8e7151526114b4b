"""How well a catalog's tools are used: questions, and the tool and arguments that answer each.

Two things are measured. Whether searching finds the right tool among the first (`retrieval`) needs no model. Which tool
a model calls, and with what (`choice`), asks any endpoint that speaks OpenAI's chat completions; what it calls is
compared and never run.
"""
