"""The cluster itself: in comes what a person wants (bucket, cards), out go a file for `ray up` and its faults.

Also what runs on its nodes: the provider that goes on to the next Spot type, and the watcher for EC2's notice.
"""
