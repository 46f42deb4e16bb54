"""MLflow's own scoring server for several models at once, each on a port: serve_with_mlflow.py PORT=FOLDER ...

`mlflow models serve` starts the same application; in one process, MLflow is imported once.
"""

import asyncio
import sys

import mlflow.pyfunc
import uvicorn
from mlflow.pyfunc.scoring_server import init


async def serve(port: str, folder: str) -> None:
    app = init(mlflow.pyfunc.load_model(folder))
    await uvicorn.Server(uvicorn.Config(app, port=int(port), log_level="warning")).serve()


async def main() -> None:
    await asyncio.gather(*(serve(*each.split("=", 1)) for each in sys.argv[1:]))


asyncio.run(main())
