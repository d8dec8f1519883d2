"""The engine: what runs executions, in whatever process. `process.engine()` is the one of this process.

position, tasks     identity of what happens inside a run; keeping one run's accident from the others
run                 one execution's host: what its context asks, what its journal gets
runner              runs the author's function, with its time limit
ending              turns what came out into a status, a result and an error
journal, statements, connection     durable writes
engine              one incarnation of a process: loop, writer, worker row
housekeeping, watchdog, admission   beats and the sweep; blocked loops; how many may wait
process             the engine of this process, replaced when it is lost
"""
