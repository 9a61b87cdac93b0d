"""What each document shows: a checked snapshot turned into words and figures, ready to be laid out."""
