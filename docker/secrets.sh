#!/bin/sh
# Make the secrets that are missing, in docker/secrets (or the folder given). Files that are there stay as they are.
# Only this user may enter the folder; the files themselves can be read by the user of a container they are mounted in.
# To rotate one, see docs/containers.md.
set -eu
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"

random() {
    od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'
}

make() { # NAME TEXT
    [ -s "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"
    chmod 444 "$folder/$1"
}

make postgres_password "$(random)"
make mlflow_admin_password "$(random)"
make mlflow_secret_key "$(random)"
make mlflow_training_password "$(random)"
make prefect_auth "genfoundry:$(random)"
