#!/bin/sh
# Installs the servers that some tests talk to, where the system's packages may be used; those tests are skipped else.
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends pgbouncer > /dev/null
fi
command -v pgbouncer > /dev/null || echo "pgbouncer is missing: its tests will be skipped (apt-get install pgbouncer)"
exit 0
