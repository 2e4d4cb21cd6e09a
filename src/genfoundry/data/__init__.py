"""What kinds of data share on the way in: listing, decoding, columns, quarantine, versions."""
