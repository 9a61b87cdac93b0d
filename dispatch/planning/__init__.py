"""Day plans: building problems, offering windows, optimising, publishing."""
