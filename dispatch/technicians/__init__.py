"""Technicians: skills, certificates, shifts and absences."""
