# What the platform's own token may do. It writes, lists and deletes secrets and reads none of them: an organization's
# are read with a short token of that organization's policy. `manage.py prepare_vault`, run with an administrator's
# token, installs this file as the policy bifrost-platform, with VAULT_MOUNT in place of bifrost.
#
# Whoever holds this token can write any org-* policy and make tokens of it. It guards against mistakes, not against
# the machine that the platform runs on.

# Secrets of organizations, tokens of their OAuth connections, defaults by tag, the MSP's defaults.
path "bifrost/data/orgs/+/+" {
  capabilities = ["create", "update"]
}
path "bifrost/data/orgs/+/webhooks/+" {
  capabilities = ["create", "update"]
}
path "bifrost/metadata/orgs/+/*" {
  capabilities = ["list", "delete"]
}
path "bifrost/data/connections/+/+" {
  capabilities = ["create", "update"]
}
path "bifrost/metadata/connections/+/*" {
  capabilities = ["list", "delete"]
}
path "bifrost/data/tags/+/+" {
  capabilities = ["create", "update"]
}
path "bifrost/metadata/tags/+/*" {
  capabilities = ["list", "delete"]
}
path "bifrost/data/msp/defaults/+" {
  capabilities = ["create", "update"]
}
path "bifrost/metadata/msp/defaults/*" {
  capabilities = ["list", "delete"]
}

# What a secret was before it was changed is destroyed.
path "bifrost/destroy/orgs/+/*" {
  capabilities = ["create", "update"]
}
path "bifrost/destroy/tags/+/*" {
  capabilities = ["create", "update"]
}
path "bifrost/destroy/msp/defaults/*" {
  capabilities = ["create", "update"]
}

# The key from which the organizations' encryption keys are derived: made once, never replaced by the platform.
path "bifrost/data/platform/master-key" {
  capabilities = ["create", "read"]
}

# Organizations' policies, and their tokens, of 15 minutes.
path "sys/policies/acl/org-*" {
  capabilities = ["create", "update", "delete"]
}
path "auth/token/create/bifrost-organization" {
  capabilities = ["create", "update"]
}

# Whether the vault is prepared and lets the platform in.
path "auth/token/roles/bifrost-organization" {
  capabilities = ["read"]
}
path "sys/mounts/bifrost" {
  capabilities = ["read"]
}
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
