"""Engines that make plans, behind one interface."""
