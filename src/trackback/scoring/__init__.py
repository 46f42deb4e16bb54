"""Use of models: a scoring server that answers MLflow's protocol, and predictions for files.

A request goes from ``app`` into the ``backlog``, from there to a process that holds the model (``workers`` on this
side, ``worker`` on that one), where ``payloads`` decodes it, ``scorer`` predicts and ``answers`` encodes.
"""
