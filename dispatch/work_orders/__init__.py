"""Work orders and their visits: what is to be done, who did it, and what was found."""
