"""The daily log and its indicators."""
