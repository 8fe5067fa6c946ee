"""Every table and record of ftm-ray; docs/data-contracts.md describes each column.

Nothing comes in; out go the columns that all other folders write and read. Tables are written with these schemas,
never with inferred ones, and checked when they cross a boundary. A missing value is null, never 0 or an empty string.
"""
