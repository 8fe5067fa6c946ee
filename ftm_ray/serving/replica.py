"""One copy of the model, as Ray Serve starts it: Ray's own server, which here also says why it could not start.

vLLM works in child processes, and when one of them fails, Serve hears only "Engine core initialization failed. See root
cause above". Above means: in this process's log file, on this node. So it is read here, where it is at hand. Delete
this module when vLLM passes the cause on. Imported by Serve's processes alone, as it loads vLLM.
"""

from pathlib import Path

from ray.serve.llm.deployment import LLMServer

from ftm_ray.serving.engine import first_cause


class ModelReplica(LLMServer):
    """Ray's server of a model behind the OpenAI protocol."""

    async def start(self) -> None:
        """Start the engine.

        Raises:
            RuntimeError: It did not start; the message says why.
        """
        try:
            await super().start()
        except RuntimeError as error:
            log = Path("/proc/self/fd/1").resolve()  # Ray sends what a process and its children print to a file
            cause = first_cause(log.read_text(errors="replace")) if log.is_file() else None
            if cause is None:
                raise
            raise RuntimeError(cause) from error
