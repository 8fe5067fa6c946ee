"""Prints the ids of a cluster's workers whenever they change, as a line of JSON; for autoscaling.py.

A process of its own, as the token of a cluster is read once a process: `python count_workers.py ADDRESS HEAD_TYPE`.
"""

import json
import sys
import time

from ray.autoscaler.v2.sdk import get_cluster_status
from ray.exceptions import RpcError

if __name__ == "__main__":
    address, head_type = sys.argv[1:]
    before = None
    while True:
        time.sleep(0.5)
        try:
            status = get_cluster_status(address)
        except RpcError:  # a busy machine
            continue
        nodes = [*status.active_nodes, *status.idle_nodes]
        ids = sorted(node.node_id for node in nodes if node.ray_node_type_name != head_type)
        if ids != before:
            before = ids
            print(json.dumps(ids), flush=True)
