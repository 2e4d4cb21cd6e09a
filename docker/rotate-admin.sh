#!/bin/sh
# Give MLflow's admin a new random password: in the server, then in the secrets' folder.
# Usage: docker/rotate-admin.sh [FOLDER [ADDRESS]]
set -eu
folder=${1:-$(dirname "$0")/secrets}
address=${2:-http://127.0.0.1:5000}
old=$(cat "$folder/mlflow_admin_password")

# On the disk before the server knows it, and kept by the next try: the password that holds is in one of two files.
next="$folder/mlflow_admin_password.next"
[ -s "$next" ] || (umask 077 && od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$next")
new=$(cat "$next")

# The passwords go in by standard input: a command line can be read by every user of the machine.
curl --silent --show-error --fail --output /dev/null --config - <<END || {
url = "$address/api/2.0/mlflow/users/update-password"
user = "admin:$old"
request = "PATCH"
header = "Content-Type: application/json"
data = "{\"username\": \"admin\", \"password\": \"$new\", \"current_password\": \"$old\"}"
END
    printf 'Error: %s did not say that it took the new password. If the old one is refused now, it is in %s\n' \
        "$address" "$next" >&2
    exit 1
}
chmod 444 "$next"
mv -f "$next" "$folder/mlflow_admin_password"
