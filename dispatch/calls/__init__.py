"""Repair calls, problem templates and the supervisor's assessment."""
