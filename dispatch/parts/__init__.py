"""Parts and van stock."""
