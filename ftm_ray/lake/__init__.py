"""ROOT, a local folder or a bucket: Parquet and JSON in and out, locks, and the ids of runs.

The only folder that knows whether files lie on a disk or on S3.
"""
