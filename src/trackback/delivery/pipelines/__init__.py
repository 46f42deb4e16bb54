"""Pipelines of the stages: written for CI systems, and run on this machine."""
