"""Checklists: questions a technician answers on site, by template and revision (R-505)."""
