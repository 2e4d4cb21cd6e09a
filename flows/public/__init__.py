"""What `import genfoundry` gives, in one place; `genfoundry/__init__.py` opens it when it is first asked for.

    genfoundry.run("dcgan", data="mine")        train, judge and register; a result that shows itself in a notebook
    genfoundry.load("dcgan@champion")           a registered model, to sample and to predict
    genfoundry.registered()                     what there is to load
    genfoundry.data.add(path, name="mine", …)   data of one's own; `list`, `build`

All of it is synchronous, also where an event loop runs, needs a project (`genfoundry init`), and raises
`genfoundry.errors.UserError`, whose text says what was found, what was expected, and what to do.
"""

from .loading import LoadedModel, load, registered
from .results import Result, run

__all__ = ["LoadedModel", "Result", "load", "registered", "run"]
