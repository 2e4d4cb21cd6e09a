#!/bin/sh
# Give MLflow's admin a new random password: first in the server, then in the secrets' folder.
# Usage: docker/rotate-admin.sh [FOLDER [ADDRESS]]
set -eu
folder=${1:-$(dirname "$0")/secrets}
address=${2:-http://127.0.0.1:5000}
old=$(cat "$folder/mlflow_admin_password")
new=$(head -c 32 /dev/urandom | base64 | tr -d '/+=\n')

# The passwords go in by standard input: a command line can be read by every user of the machine.
curl --silent --show-error --fail --output /dev/null --config - <<END
url = "$address/api/2.0/mlflow/users/update-password"
user = "admin:$old"
request = "PATCH"
header = "Content-Type: application/json"
data = "{\"username\": \"admin\", \"password\": \"$new\", \"current_password\": \"$old\"}"
END
rm -f "$folder/mlflow_admin_password"
printf '%s' "$new" >"$folder/mlflow_admin_password"
chmod 444 "$folder/mlflow_admin_password"
