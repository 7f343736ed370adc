"""The gateway's MQTT 5 door: it takes what devices publish, and gives nothing out.

A message is acknowledged after it is on the raw topic, never before.
"""
