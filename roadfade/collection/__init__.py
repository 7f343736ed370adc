"""What a device needs to collect: found by the code that decides on the worker's path, and signed.

It joins the office's rows with the processors' permit; nothing here reads a clock or a database.
"""
