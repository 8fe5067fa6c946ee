"""A driver that has an application served, for test_lease.py: it outlives a lease, then gives it back or is killed."""

import os
import signal
import sys
import time

import ray
from ray import serve

from ftm_ray.serving.lease import new_lease
from ftm_ray.serving.serve_state import APPLICATION, is_deployed

LEASE_S = 5.0


@serve.deployment(ray_actor_options={"num_cpus": 0})
class Model:
    def __call__(self):
        return "an answer"


if __name__ == "__main__":
    ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
    serve.start(proxy_location="Disabled")
    lease = new_lease(LEASE_S)
    serve.run(Model.bind(), name=APPLICATION, route_prefix=None)
    time.sleep(2 * LEASE_S)
    print("up" if is_deployed() else "down", flush=True)
    if sys.argv[2] == "crash":
        ray.kill(lease.keeper, no_restart=False)
        time.sleep(2 * LEASE_S)
        print("up" if is_deployed() else "down", flush=True)  # the new keeper hears of this run as the old one did
    if sys.argv[2] in ("kill", "crash"):
        os.kill(os.getpid(), signal.SIGKILL)
    print("last" if lease.give_back() else "shared", flush=True)
