"""What all processes do, in figures for Prometheus at /metrics.

A process counts in memory (`recording`) and adds what it has counted to one table of the shared schema every few
seconds (`keeping`), so that any process can tell what all have done, on whatever machine, also those that have ended.
What a count means is in `families`; `noticing` is what the engine calls. What waits and who works is asked when
somebody wants to know (`standing`).
"""
