"""OAuth connections: accounts at outside services that an organization has let Bifrost use.

    providers       presets: where a provider's pages are, and how it wants to be asked
    connections     making, changing and removing one; finding the one that a run means
    signing_in      the way through the provider's page and back: PKCE and a state for one use
    asking          token requests, by Authlib's helpers over connections of `integrations.client`
    kept_tokens     what the vault keeps: client secrets and tokens, in a place of their own
    leases          who may refresh, and what came of it: compare and set, on the database's clock
    refreshing      tokens that live, for runs and pages: ahead of their end, one refresh at a time everywhere
    fleet           the thin rows of the shared schema
    upkeep          what the maintenance does: idle ones are refreshed, dead ones are marked

The row in the organization's schema says what is known; the vault alone has what is secret.
"""
