"""Backups: the database, the covers and what is needed to judge them, in one file.

`archive` knows the file, `sqlite` and `postgresql` know their database, `making` and `restoring` put them
together. Why it is like this: docs/decisions/0025-one-file-for-a-backup.md.
"""
