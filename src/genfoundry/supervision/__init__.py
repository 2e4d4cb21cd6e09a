"""Who starts a training process, follows it, and takes over what it leaves."""
