# shellcheck shell=sh
# Secrets come from files, never from a command line or the composition; each script here sources this.

fail() {
    printf 'Error: %s\n' "$1" >&2
    exit 2
}

# secret NAME: the content of the file that NAME_FILE names, in the environment as NAME.
secret() {
    eval "secret_file=\${$1_FILE:-}"
    [ -n "$secret_file" ] || fail "$1_FILE is not set. Expected: the path of the file that holds $1"
    [ -f "$secret_file" ] || fail "$1_FILE names $secret_file, which does not exist. To make it: docker/secrets.sh"
    [ -r "$secret_file" ] || fail "User $(id -u) may not read $secret_file, which $1_FILE names."
    secret_value=$(cat "$secret_file")
    [ -n "$secret_value" ] || fail "$secret_file, which $1_FILE names, is empty. To make it: docker/secrets.sh"
    export "$1=$secret_value"
    unset secret_value secret_file
}

# given NAME: the variable must be set.
given() {
    eval "[ -n \"\${$1:-}\" ]" || fail "$1 is not set. See docs/containers.md"
}
