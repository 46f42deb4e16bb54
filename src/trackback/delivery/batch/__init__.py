"""Predictions for data of any size: cut into partitions, each predicted once and kept as a whole, then put together.

``places`` knows files here and in object stores, ``planning`` cuts the input, ``work`` keeps what is done,
``partitions`` predicts one, ``processes`` and ``spark`` predict many at once, ``assembly`` makes the output, and
``scoring`` is all of it.
"""
