"""Every folder is a task: how a model is judged in it, served and told of."""
