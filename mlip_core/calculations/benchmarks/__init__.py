"""Benchmarks: LAMBench's figures measured here, and published ones."""

from mlip_core.calculations.benchmarks.runs import LambenchRuns, LambenchSettings

__all__ = ["LambenchRuns", "LambenchSettings"]
