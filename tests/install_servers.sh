#!/bin/sh
# Installs what some tests talk to, where the system's packages may be used; those tests are skipped else.
has() { command -v "$1" > /dev/null; }
missing() {
    has pgbouncer || echo pgbouncer
    has chromium || has chromium-browser || has google-chrome || echo chromium
}
if [ -n "$(missing)" ] && [ "$(id -u)" = 0 ] && has apt-get; then
    # One by one: what one system lacks must not keep the other away.
    apt-get update -qq
    for package in $(missing); do
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" > /dev/null
    done
fi
for package in $(missing); do
    echo "$package is missing: its tests will be skipped (apt-get install $package)"
done
exit 0
