"""Customers, their sites and their assets."""
