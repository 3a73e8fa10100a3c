"""Stops a training run that would breach: what its processes load is judged before the first step.

A guard is advisory: it sees what goes through Python's own doors, and says where it cannot see.
"""
