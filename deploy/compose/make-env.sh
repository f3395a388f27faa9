#!/usr/bin/env sh
# Writes .env beside this file, with a secret of its own for whoever needs one. Leaves an .env that is there as it is.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
  echo '.env is there already: remove it to make new secrets (rows and keys made with the old ones need the old ones)'
  exit 0
fi
secret() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
umask 077
cat >.env.draft <<END
# Made by make-env.sh; compose.yaml takes its values from here. Nobody else should read or commit this file.

# The profile \`demo\` adds a simulated provider. For real ones: empty it, and name a config file of your own.
COMPOSE_PROFILES=demo
TOKENLEDGER_CONFIG_FILE=./config/demo.yaml
TOKENLEDGER_VERSION=dev

# Credentials of the providers, for the ingress alone.
OPENAI_API_KEY=simulated
ANTHROPIC_API_KEY=simulated

# The demo's virtual key: what clients send.
DEMO_KEY=tlk_$(secret)
REGISTRY_ADMIN_TOKEN=$(secret)
# Keep these: virtual keys and fingerprints made with them are worthless without.
KEY_HASH_SECRET=$(secret)
FINGERPRINT_SECRET=$(secret)
CLICKHOUSE_PASSWORD=$(secret)
CLICKHOUSE_GRAFANA_PASSWORD=$(secret)
GRAFANA_ADMIN_PASSWORD=$(secret)
END
mv .env.draft .env
echo 'wrote .env'
