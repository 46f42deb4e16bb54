"""Predictions for whole files, a batch of rows at a time: ``reading`` and ``writing`` know the formats, ``predicting``
goes from one to the other.
"""
