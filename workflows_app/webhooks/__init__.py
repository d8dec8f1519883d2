"""Other systems start workflows by calling an address.

    receiving.receive(call)     a call from outside: proves itself, is kept, and starts one execution
    redelivering.redeliver()    the same content once more, by somebody of the organization
    credentials.rotate()        a new secret; the former one works on for a while

`door` is the view behind `/webhooks/<org_id>/<workflow>`. Whatever it refuses looks the same from outside.
"""
